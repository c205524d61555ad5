"""Every demo function answers its example with something that makes sense.

Each runs in a process of its own: a handler is made a script by three lines, so that both styles
are asked the same way.
"""

import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from executor.functions import Package, Style
from executor.packages import read_packages
from tests.functions.demo_modules import FUNCTIONS, demo_module

ROOT = FUNCTIONS.parent
MODELS = ROOT / "var" / "models"
SDK = ROOT / "executor" / "proxy" / "sdk"
HANDLER_AS_SCRIPT = """
import headstart, handler
model = headstart.load(handler.load)
while True: headstart.answer(handler.predict(model, headstart.wait()))
"""

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(
        not MODELS.is_dir(), reason=f"no model files; run functions/prepare.py --models {MODELS}"
    ),
]


@pytest.fixture(scope="module")
def packages() -> dict[str, Package]:
    return read_packages(FUNCTIONS, models=MODELS, python=Path(sys.executable))


@pytest.fixture(scope="module")
def voice() -> Callable[..., Any]:
    speak: Callable[..., Any] = demo_module("examples").voice
    return speak


def ask(package: Package, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the outputs, by name, of each request, asked of one fresh process."""
    words = package.command[1:] if package.style is Style.SCRIPT else ("-c", HANDLER_AS_SCRIPT)
    done = subprocess.run(
        [str(package.python), *words],
        cwd=package.folder,
        env={**os.environ, **package.environment, "PYTHONPATH": str(SDK)},
        input="".join(json.dumps(request) + "\n" for request in requests),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=100,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return [by_name(answer["outputs"], package) for answer in answers if "outputs" in answer]


def by_name(outputs: list[dict[str, Any]], package: Package) -> dict[str, Any]:
    """Check the outputs against what ``function.yaml`` says of them and return their values."""
    for output, spec in zip(outputs, package.outputs, strict=True):
        assert (output["name"], output["datatype"]) == (spec.name, spec.datatype)
        assert len(output["shape"]) == len(spec.shape)
        for size, allowed in zip(output["shape"], spec.shape, strict=True):
            assert allowed in (-1, size)
    return {output["name"]: np.array(output["data"]).reshape(output["shape"]) for output in outputs}


def example(package: Package) -> dict[str, Any]:
    request: dict[str, Any] = json.loads((package.folder / "example.json").read_text())
    return request


def with_input(datatype: str, values: Any, name: str) -> dict[str, Any]:
    array = np.array(values)
    tensor = {"name": name, "datatype": datatype, "shape": array.shape, "data": array.tolist()}
    return {"inputs": [tensor]}


def test_examples_are_small_and_fit_their_functions(packages: dict[str, Package]) -> None:
    assert len(packages) == 8
    for package in packages.values():
        assert (package.folder / "example.json").stat().st_size < 100_000
        for tensor, spec in zip(example(package)["inputs"], package.inputs, strict=True):
            assert (tensor["name"], tensor["datatype"]) == (spec.name, spec.datatype)
            assert len(tensor["shape"]) == len(spec.shape)
            assert len(tensor["data"]) == np.prod(tensor["shape"])


def test_sentences_of_like_meaning_are_near(packages: dict[str, Package]) -> None:
    package = packages["sentence-embedding"]
    texts = [*example(package)["inputs"][0]["data"], "The invoice is overdue since March."]
    (answer,) = ask(package, with_input("BYTES", texts, "text"))
    sofa, couch, invoice = answer["embedding"]
    assert np.linalg.norm(sofa) == pytest.approx(1, abs=1e-4)
    assert sofa @ couch > 0.5 > 0.2 > sofa @ invoice


def test_ocr_reads_the_text_and_finds_none_in_a_blank_picture(
    packages: dict[str, Package],
) -> None:
    file = io.BytesIO()
    Image.new("L", (200, 64), color=255).save(file, "PNG")
    blank = with_input("BYTES", [base64.b64encode(file.getvalue()).decode()], "image")
    read, nothing = ask(packages["ocr"], example(packages["ocr"]), blank)
    assert read["text"].tolist() == ["HELLO 42"]
    assert read["score"][0] > 0.8
    assert read["box"].min() >= 0
    assert nothing["text"].tolist() == []


def test_file_types_are_told_apart(packages: dict[str, Package]) -> None:
    package = packages["file-type"]
    contents = [
        *example(package)["inputs"][0]["data"],
        "<!DOCTYPE html><html><head><title>A</title></head><body><p>B</p></body></html>",
        json.dumps([{"id": number, "name": f"row {number}"} for number in range(20)]),
    ]
    (answer,) = ask(package, with_input("BYTES", contents, "content"))
    assert answer["label"].tolist() == ["python", "html", "json"]


def test_speech_is_told_from_silence_and_noise(
    packages: dict[str, Package], voice: Callable[..., Any]
) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(8000)
    samples = [np.zeros(8000), noise, voice("aiueo", 120)]
    requests = [with_input("FP32", one, "samples") for one in samples]
    package = packages["speech-activity"]
    silence, hiss, speech, first = ask(package, *requests, example(package))
    assert max(silence["speech"].max(), hiss["speech"].max()) < 0.2
    assert speech["speech"].mean() > 0.7
    assert first["speech"].mean() > 0.4


def test_a_voice_is_nearer_to_itself_than_to_another(
    packages: dict[str, Package], voice: Callable[..., Any]
) -> None:
    low, low_too = voice("aiueo", 120), voice("oaeiu", 130)
    high = voice("aiueo", 210, 1.18)
    requests = [with_input("FP32", one, "samples") for one in (low, low_too, high)]
    one, same, other = (
        answer["embedding"] for answer in ask(packages["speaker-embedding"], *requests)
    )
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-4)
    assert one @ same > 0.88 > one @ other


def test_the_pitch_of_tones_is_found(packages: dict[str, Package]) -> None:
    pitches_hz = (110.0, 440.0)
    requests = [with_input("FP32", tone(pitch_hz), "samples") for pitch_hz in pitches_hz]
    answers = ask(packages["pitch"], *requests)
    for pitch_hz, answer in zip(pitches_hz, answers, strict=True):
        assert answer["hertz"] == pytest.approx(pitch_hz, rel=0.02)
        assert answer["confidence"].min() > 0.5


def tone(pitch_hz: float) -> Any:
    """Return 1500 samples at 16 kHz of a tone with five harmonics."""
    cycles = pitch_hz * np.arange(1500) / 16000
    return sum(np.sin(2 * np.pi * number * cycles) / number for number in range(1, 6))


def test_random_classes_are_stable_and_ranked(packages: dict[str, Package]) -> None:
    package = packages["resnet50"]
    request = example(package)
    black = with_input("UINT8", np.zeros((24, 24, 3), int), "image")
    first, other, again = ask(package, request, black, request)
    assert len(set(first["class"].tolist())) == 5
    assert 0 < first["score"].sum() <= 1
    assert (np.diff(first["score"]) <= 0).all()
    assert first["score"] == pytest.approx(again["score"])
    assert first["score"] != pytest.approx(other["score"])


def test_random_encodings_depend_on_the_order_of_tokens(packages: dict[str, Package]) -> None:
    package = packages["bert-base"]
    tokens = example(package)["inputs"][0]["data"]
    (answer,) = ask(package, with_input("INT64", [tokens, tokens, tokens[::-1]], "tokens"))
    one, same, other = answer["embedding"]
    assert np.isfinite(one).all()
    assert one == pytest.approx(same, abs=1e-4)
    assert one != pytest.approx(other, abs=1e-4)
