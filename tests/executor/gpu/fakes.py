"""GPUs that are not there: NVML says what functions, in the place of CUDA, write into files."""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from executor.domain import GpuProfile
from executor.functions import Package
from executor.gpu.daemons import Daemons
from executor.gpu.devices import Nvml
from executor.gpu.keeper import GpuSettings, Keeper, keepers
from executor.gpu.mps import PROGRAM
from executor.units import MIB
from tests.executor.runtimes import worlds

GPU = "GPU-1"
TOTAL_MIB = 1200
RESERVE_MIB = 200
CONTEXT_MIB = 100

HANDLER = """
import os
from pathlib import Path

held = Path(os.environ["FAKE_GPU"], str(os.getpid()))

def load():
    return "host"

def hold(mib):
    new = held.with_suffix(".new")
    new.write_text(str(int(mib) << 20))
    new.rename(held)

def to_gpu(model):
    hold(os.environ["GPU_MIB"])
    return "gpu"

def to_host(model):
    hold(os.environ["LEFT_MIB"])
    return "host"

def predict(model, request):
    pipes = os.environ.get("CUDA_MPS_PIPE_DIRECTORY", "none")
    device = os.environ.get("CUDA_VISIBLE_DEVICES", "any")
    return {"y": [model + " on " + device, pipes]}
"""
"""Holds GPU_MIB on the GPU, and LEFT_MIB afterwards."""


NETWORK = """
import torch

def load():
    torch.manual_seed(0)
    return torch.nn.Linear(4096, 4096).eval()

def predict(model, request):
    weight = model.weight
    with torch.no_grad():
        total = model(torch.ones(1, 4096, device=weight.device)).sum()
    return {"y": [str(weight.device), f"{float(total):.2f}", str(weight.data_ptr())]}
"""
"""A network of 64 MiB that says nothing of GPUs: it goes there, and back, by the SDK."""

SHIM = """
import os
from pathlib import Path

import torch

held = Path(os.environ["FAKE_GPU"], str(os.getpid()))
moved = []

def to(tensor, device, *, non_blocking):
    assert (device, non_blocking) == ("cuda", True)
    moved.append(tensor.nbytes)
    return tensor.clone()

torch.Tensor.pin_memory = torch.Tensor.clone
torch.Tensor.to = to
torch.cuda.synchronize = lambda: held.write_text(str(sum(moved)))
torch.cuda.empty_cache = lambda: (moved.clear(), held.write_text("0"))
"""
"""Stands in for CUDA in a function's process; before ``NETWORK``, in the same module."""

CONTROL = """#!{python}
import os, sys
from pathlib import Path

pipes = Path(os.environ["CUDA_MPS_PIPE_DIRECTORY"])
log = Path(os.environ["CUDA_MPS_LOG_DIRECTORY"], "said")
state = pipes / "threads"
if sys.argv[1:] == ["-d"]:
    if state.exists():
        sys.exit("An instance of this daemon is already running")
    state.write_text("100.0")
    Path(os.environ["CUDA_MPS_LOG_DIRECTORY"], "gpu").write_text(os.environ["CUDA_VISIBLE_DEVICES"])
elif not state.exists():
    sys.exit("Cannot find MPS control daemon process")
for line in sys.stdin:
    with log.open("a") as file:
        file.write(line)
    match line.split():
        case ["set_default_active_thread_percentage", percent]:
            state.write_text(str(float(percent)))
        case ["get_default_active_thread_percentage"]:
            print(state.read_text())
        case ["quit", *_]:
            state.unlink()
"""
"""Stands in for the control program; keeps its settings in its folder of pipes."""


def control_program(folder: Path) -> dict[str, str]:
    """Write a control program for MPS into a folder; return an environment that has it."""
    folder.mkdir()
    program = folder / PROGRAM
    program.write_text(CONTROL.format(python=sys.executable))
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def build_library(folder: Path) -> Path:
    """Build the management library into a folder, and return that."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build a management library with")
    name = "libnvidia-ml.so.1"
    source = Path(__file__).parent / "nvml.c"
    command = [compiler, "-shared", "-fPIC", f"-Wl,-soname,{name}", str(source)]
    subprocess.run([*command, "-o", str(folder / name)], check=True)
    return folder


def for_gpu(package: Package, gpu_mib: int) -> Package:
    """Give a function a GPU profile."""
    gpu = GpuProfile(16 * MIB, gpu_mib * MIB, 0.1)
    profile = replace(package.function.profile, gpu=gpu)
    return replace(package, function=replace(package.function, profile=profile))


class FakeGpus:
    """One GPU; other programs and faults are written with ``say``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.script = folder / "script"
        self.held = folder / "held"
        self.held.mkdir(parents=True, exist_ok=True)
        self.say()

    def say(self, *lines: str, foreign_mib: int = 0) -> None:
        """Say what other programs hold, and (``lines``) what else there is to the GPU."""
        gpu = f"gpu {GPU} Fake {TOTAL_MIB * MIB} 0 {foreign_mib * MIB}"
        new = self.script.with_suffix(".new")
        new.write_text("".join(f"{line}\n" for line in (gpu, f"held {self.held}", *lines)))
        new.replace(self.script)

    def package(
        self,
        name: str,
        folder: Path,
        gpu_mib: int = 400,
        left_mib: int = 0,
        code: str = HANDLER,
        **fields: Any,
    ) -> Package:
        """Write a function that goes to the GPU and back."""
        environment = {
            "FAKE_GPU": str(self.held),
            "GPU_MIB": str(gpu_mib),
            "LEFT_MIB": str(left_mib),
        }
        return for_gpu(
            worlds.handler(name, folder, code, environment=environment, **fields), gpu_mib
        )


@contextmanager
def opened(
    folder: Path, patch: pytest.MonkeyPatch, mps: Mapping[str, Daemons] | None = None
) -> Iterator[tuple[FakeGpus, Keeper]]:
    """Have a GPU in this process, kept for worker ``w``, which may have MPS daemons."""
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    made = FakeGpus(folder / "gpus")
    patch.setenv("FAKE_NVML", str(made.script))
    ctypes.CDLL(str(build_library(made.folder) / "libnvidia-ml.so.1"))
    settings = GpuSettings(reserve_bytes=RESERVE_MIB * MIB, context_bytes=CONTEXT_MIB * MIB)
    with Nvml() as nvml:
        yield made, keepers(nvml, {"w": settings}, mps or {})["w"]
