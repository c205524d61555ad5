"""The functions that are measured: each network twice, as it is published and as it can be.

*Private*: the network is built with random weights, its own are read from a pickle and copied over
them, in a Python of its own. *Shared*: built without drawing, weights mapped from safetensors, in a
process forked from one that has torch already.
"""

import json
import os
import shutil
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import torch
from safetensors.torch import save_file

from bench.density import networks
from executor.domain import Function, Isolation, Profile
from executor.functions import Package, Style
from executor.units import GIB

OWNER = "bench"
LIBRARIES = ("torch", "safetensors.torch")
THREADS = {"OMP_NUM_THREADS": "1"}
READABLE_BY_ALL = 0o644
SEED = 0

_HANDLER = """
import time

import torch
from headstart import file
from networks import NETWORKS, example
{imports}

NAME = "{network}"

def load():
    torch.set_num_threads(1)
    {load}

@torch.inference_mode()
def predict(network, request):
    begun_s = time.monotonic()
    network(example(NAME))
    return {{"begun_s": [begun_s]}}
"""

_PRIVATE = """network = NETWORKS[NAME]()
    network.load_state_dict(torch.load(file("weights")))
    return network.eval()"""

_SHARED = 'return mapped(NETWORKS[NAME], "weights")'

NOTHING = """
import time

def load():
    return None

def predict(model, request):
    return {"begun_s": [time.monotonic()]}
"""
"""Says when it has the request, and does nothing else."""


class Way(StrEnum):
    """How functions are loaded."""

    PRIVATE = "private"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Workshop:
    """Writes functions and weights below a folder."""

    folder: Path

    def weights(self, network: str, way: Way) -> Path:
        """Return the file of weights of a network, made with a fixed seed if it is not there."""
        ending = "safetensors" if way is Way.SHARED else "pt"
        path = self.folder / "weights" / f"{network}.{ending}"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.manual_seed(SEED)
            state = networks.NETWORKS[network]().state_dict()
            part = path.with_suffix(".part")
            save_file(state, part) if way is Way.SHARED else torch.save(state, part)
            _write_back(part)
            part.chmod(READABLE_BY_ALL)
            part.rename(path)
        return path

    def network(self, name: str, network: str, way: Way) -> Package:
        """Write a function that predicts with a network."""
        shared = way is Way.SHARED
        code = _HANDLER.format(
            imports="from headstart.models import mapped" if shared else "",
            network=network,
            load=_SHARED if shared else _PRIVATE,
        )
        return self._write(f"{way}-{name}", code, self.weights(network, way))

    def nothing(self) -> Package:
        """Write the function that only says when it has a request."""
        return self._write("nothing", NOTHING, None)

    def _write(self, name: str, code: str, weights: Path | None) -> Package:
        folder = self.folder / "functions" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "handler.py").write_text(code)
        shutil.copy(networks.__file__, folder / "networks.py")
        files = () if weights is None else (weights,)
        names = {"HEADSTART_FILES": json.dumps({"weights": str(weights)})}
        library = " ".join(LIBRARIES)
        profile = Profile(import_s=1.0, load_s=1.0, memory_bytes=16 * GIB)
        return Package(
            function=Function(
                name, OWNER, 16 * GIB, profile, library=library, isolation=Isolation.SHARE
            ),
            folder=folder,
            style=Style.HANDLER,
            handler="handler",
            command=(),
            python=Path(sys.executable),
            files=files,
            environment={**THREADS, **names},
            inputs=(),
            outputs=(),
            load_timeout_s=60.0,
            libraries=LIBRARIES,
        )


def _write_back(file: Path) -> None:
    """Have the kernel write a file to disk: until then its pages count as written to."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
