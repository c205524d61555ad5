"""The functions of live runs: each network of the density measurements several times."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.density import networks
from bench.density.functions import LIBRARIES, THREADS, Way, Workshop
from executor.domain import Isolation, Profile
from executor.packages import FILE_NAME

MEMORY = "1GiB"
"""Limit of each function: what VGG-19 maps, 0.6 GB, counts as well as what it holds."""

EXAMPLE = "example.json"
"""In a function's folder, the body of its requests."""

_REQUEST = {"inputs": [{"name": "x", "datatype": "INT64", "shape": [1], "data": [0]}]}
"""Nothing that matters: a network's input is made where it is used."""

_TENSOR = {"datatype": "INT64", "shape": [1]}
_HANDLER = """
import torch
from headstart import mapped
from networks import NETWORKS, example

NAME = "{network}"

def load():
    torch.set_num_threads(1)
    return mapped(NETWORKS[NAME], "weights")

@torch.inference_mode()
def predict(network, request):
    return {{"class": [int(network(example(NAME)).argmax())]}}
"""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One function: its name, the network it predicts with, and whose it is."""

    name: str
    network: str
    owner: str


def deployments(count: int, owners: int) -> list[Deployment]:
    """Name functions, the networks in turn; each owner has a run of them."""
    models = list(networks.NETWORKS)
    return [
        Deployment(
            f"{models[number % len(models)]}-{number // len(models) + 1}",
            models[number % len(models)],
            f"o{number * owners // count + 1}",
        )
        for number in range(count)
    ]


def alike(deployed: Sequence[Deployment]) -> dict[str, str]:
    """Name, for each function, the first one with the same network."""
    first = {one.network: one.name for one in reversed(deployed)}
    return {one.name: first[one.network] for one in deployed}


def write_functions(folder: Path, deployed: Sequence[Deployment], workshop: Workshop) -> None:
    """Write a folder of functions; the workshop makes files of weights that are not there yet."""
    for one in deployed:
        home = folder / one.name
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy(networks.__file__, home / "networks.py")
        (home / "handler.py").write_text(_HANDLER.format(network=one.network))
        (home / EXAMPLE).write_text(json.dumps(_REQUEST))
        manifest = {
            "owner": one.owner,
            "memory": MEMORY,
            "libraries": LIBRARIES,
            "files": {"weights": str(workshop.weights(one.network, Way.SHARED))},
            "environment": THREADS,
            "inputs": [{"name": "x", **_TENSOR}],
            "outputs": [{"name": "class", **_TENSOR}],
        }
        _write_manifest(home, manifest)


def adapt(
    source: Path, folder: Path, profiles: Mapping[str, Profile], isolation: Isolation
) -> None:
    """Copy a folder of functions, with an isolation and what was measured of each function.

    What is in ``folder`` is replaced.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    for file in folder.glob(f"*/{FILE_NAME}"):
        manifest = yaml.safe_load(file.read_text())
        profile = profiles[manifest.get("name", file.parent.name)]
        guess = {
            "import_s": profile.import_s,
            "load_s": profile.load_s,
            "memory": profile.memory_bytes,
            "library_memory": profile.library_bytes,
        }
        _write_manifest(file.parent, {**manifest, "isolation": isolation.value, "profile": guess})


def _write_manifest(home: Path, manifest: Mapping[str, Any]) -> None:
    """Write it as JSON, which is YAML without aliases."""
    (home / FILE_NAME).write_text(json.dumps(manifest, indent=2) + "\n")
