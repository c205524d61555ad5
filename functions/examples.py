"""Makes the example requests of the demo functions anew: run as ``examples.py``.

The sound is synthetic: a buzz at the pitch of a voice, sent through the resonances of vowels.
"""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).resolve().parent
RATE_HZ = 16000
FORMANTS_HZ = {
    "a": (730, 1090, 2440),
    "e": (530, 1840, 2480),
    "i": (270, 2290, 3010),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
}
"""Resonances of men's vowels (Peterson and Barney, 1952, table II)."""

BANDWIDTHS_HZ = (80, 100, 140)

PROGRAM = """import sys

def main():
    for line in sys.stdin:
        print(line.strip().upper())

if __name__ == "__main__":
    main()
"""


def voice(vowels: str, pitch_hz: float, tract: float = 1.0, each_s: float = 0.16) -> np.ndarray:
    """Return samples within [-0.5, 0.5] of vowels spoken one after the other.

    ``tract`` multiplies the resonances: above 1 for a shorter vocal tract than a man's.
    """
    samples = np.concatenate([vowel(letter, pitch_hz, tract, each_s) for letter in vowels])
    return (samples / np.abs(samples).max() / 2).astype(np.float32)


def vowel(letter: str, pitch_hz: float, tract: float, seconds: float) -> np.ndarray:
    at_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    cycles = np.cumsum(pitch_hz * (1 + 0.1 * np.sin(2 * np.pi * 3 * at_s))) / RATE_HZ
    pulses = np.diff(np.floor(cycles), prepend=0)
    sound = np.convolve(pulses, np.exp(-np.arange(60) / 12))[: len(pulses)]
    for formant_hz, width_hz in zip(FORMANTS_HZ[letter], BANDWIDTHS_HZ, strict=True):
        sound = resonate(sound, tract * formant_hz, width_hz)
    fade = np.minimum(at_s, at_s[::-1]) / 0.02
    return sound * np.minimum(1, fade)


def resonate(sound: np.ndarray, centre_hz: float, width_hz: float) -> np.ndarray:
    """Filter by one resonance, y[n] = a x[n] + b y[n-1] + c y[n-2] (Klatt, 1980, equation 1)."""
    radius = np.exp(-np.pi * width_hz / RATE_HZ)
    b, c = 2 * radius * np.cos(2 * np.pi * centre_hz / RATE_HZ), -(radius**2)
    output = np.zeros(len(sound) + 2)
    for at, value in enumerate(sound):
        output[at + 2] = (1 - b - c) * value + b * output[at + 1] + c * output[at]
    return output[2:]


def picture_of(text: str) -> str:
    """Return text in black on white as base64 of a PNG."""
    image = Image.new("L", (200, 64), color=255)
    font = ImageFont.load_default(size=32)
    ImageDraw.Draw(image).text((12, 12), text, fill=0, font=font)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def gradient(size: int) -> np.ndarray:
    """Return a (size, size, 3) image that fades along each axis."""
    rows, columns = np.mgrid[0:size, 0:size] * 255 // (size - 1)
    return np.stack([rows, columns, 255 - rows], axis=-1).astype(np.uint8)


def tensor(name: str, datatype: str, values: Any) -> dict[str, Any]:
    array = np.asarray(values)
    data = [round(value, 3) if datatype == "FP32" else value for value in array.ravel().tolist()]
    return {"name": name, "datatype": datatype, "shape": list(array.shape), "data": data}


def examples() -> dict[str, dict[str, Any]]:
    """Return the input tensor of each function by name."""
    sentences = ["A cat sleeps on the sofa.", "A kitten is napping on the couch."]
    return {
        "bert-base": tensor("tokens", "INT64", [[101, *range(2000, 2030), 102]]),
        "file-type": tensor("content", "BYTES", [PROGRAM]),
        "ocr": tensor("image", "BYTES", [picture_of("HELLO 42")]),
        "pitch": tensor("samples", "FP32", voice("a", 220)[:1344]),
        "resnet50": tensor("image", "UINT8", gradient(24)),
        "sentence-embedding": tensor("text", "BYTES", sentences),
        "speaker-embedding": tensor("samples", "FP32", voice("aio", 120)),
        "speech-activity": tensor("samples", "FP32", voice("ai", 120)),
    }


def main() -> None:
    for name, entry in examples().items():
        (HERE / name / "example.json").write_text(json.dumps({"inputs": [entry]}) + "\n")


if __name__ == "__main__":
    main()
