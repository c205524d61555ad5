"""Follows the pitch of a voice or an instrument, one value every 10 ms (CREPE)."""

import headstart
import torch
from crepe import FRAME, Crepe, hertz
from safetensors.torch import load_file

HOP = 160


def load():
    with torch.device("meta"):
        crepe = Crepe()
    crepe.load_state_dict(load_file(headstart.file("weights")), assign=True)
    return crepe.eval()


@torch.inference_mode()
def predict(crepe, request):
    frames = torch.tensor(request.inputs["samples"].numpy()).unfold(0, FRAME, HOP)
    frames = frames - frames.mean(dim=1, keepdim=True)
    frames = frames / frames.std(dim=1, keepdim=True).clamp(min=1e-10)
    chances = crepe(frames)
    return {"hertz": hertz(chances), "confidence": chances.amax(dim=1)}
