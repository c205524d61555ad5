"""Says what kind of file some content is, with Google's Magika."""

from pathlib import Path

import headstart
import numpy as np
from magika import Magika


def load():
    return Magika(model_dir=Path(headstart.file("weights")).parent)


def predict(magika, request):
    contents = request.inputs["content"].as_bytes()
    guesses = [magika.identify_bytes(content) for content in contents]
    return {
        "label": [str(guess.output.label) for guess in guesses],
        "score": np.array([guess.score for guess in guesses], np.float32),
    }
