"""Embeds a voice so that a dot product tells whether two recordings are of one speaker."""

import headstart
import torch
from encoder import SpeakerEncoder, mel_power
from safetensors.torch import load_file


def load():
    with torch.device("meta"):
        encoder = SpeakerEncoder()
    encoder.load_state_dict(load_file(headstart.file("weights")), assign=True)
    return encoder.eval()


@torch.inference_mode()
def predict(encoder, request):
    samples = torch.tensor(request.inputs["samples"].numpy())
    return {"embedding": encoder(mel_power(samples)[None])[0]}
