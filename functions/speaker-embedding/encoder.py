"""Speaker encoder of Wan et al. (2018, GE2E loss), as trained in Resemblyzer, and its input."""

import torch
from torch import nn

RATE_HZ, FRAME, HOP, BANDS = 16000, 400, 160, 40
LOUDNESS = 10 ** (-30 / 20)
"""Root mean square of the samples that the network was trained on: -30 dB of full scale."""


class SpeakerEncoder(nn.Module):
    """Maps (batch, frames, BANDS) mel power to (batch, 256) embeddings of length one."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(BANDS, 256, num_layers=3, batch_first=True)
        self.linear = nn.Linear(256, 256)

    def forward(self, mels):
        _, (hidden, _) = self.lstm(mels)
        return nn.functional.normalize(self.linear(hidden[-1]).relu())


def mel_power(samples):
    """Return (frames, BANDS) power in bands of equal width to the ear."""
    samples = samples * LOUDNESS / samples.square().mean().sqrt().clamp(min=1e-6)
    window = torch.hann_window(FRAME)
    spectrum = torch.stft(
        samples, FRAME, HOP, window=window, pad_mode="constant", return_complex=True
    )
    return (mel_filters() @ spectrum.abs().square()).T


def mel_filters():
    """Return (BANDS, FRAME // 2 + 1) triangles of area one, spaced by Slaney's mel scale."""
    top = 15 + 27 * torch.log(torch.tensor(8.0)) / torch.log(torch.tensor(6.4))
    edges = hertz(torch.linspace(0, top, BANDS + 2))
    low, middle, high = (edges[at : at + BANDS, None] for at in range(3))
    bins = torch.linspace(0, RATE_HZ / 2, FRAME // 2 + 1)
    rise, fall = (bins - low) / (middle - low), (high - bins) / (high - middle)
    return torch.minimum(rise, fall).clamp(min=0) * 2 / (high - low)


def hertz(mels):
    """Invert Slaney's scale: linear up to 1 kHz (15 mel), logarithmic from there."""
    return torch.where(mels < 15, mels * 200 / 3, 1000 * 6.4 ** ((mels - 15) / 27))
