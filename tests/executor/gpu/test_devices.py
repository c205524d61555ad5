import os
import subprocess
import sys
from pathlib import Path

import pytest

from executor.gpu.usage import Device, DeviceFailure, NoDriver, Usage
from tests.executor.gpu.conftest import ROOT, Child

pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")

GIB = 1024**3
ONE = f"gpu GPU-1 H100 {80 * GIB} {GIB} {10 * GIB}"


def test_whole_gpus_are_devices(nvml: Child) -> None:
    nvml.script(ONE, f"gpu GPU-2 T4 {16 * GIB} 0 0")
    assert nvml.ask("devices") == [Device("GPU-1", "H100"), Device("GPU-2", "T4")]


def test_of_a_partitioned_gpu_its_instances_are_devices(nvml: Child) -> None:
    nvml.script(
        ONE,
        f"part MIG-1 3g.40gb {40 * GIB} 0 {GIB}",
        f"part MIG-2 3g.40gb {40 * GIB} 0 0",
        f"gpu GPU-2 T4 {16 * GIB} 0 0",
    )
    assert nvml.ask("devices") == [
        Device("MIG-1", "3g.40gb", "GPU-1"),
        Device("MIG-2", "3g.40gb", "GPU-1"),
        Device("GPU-2", "T4"),
    ]
    assert nvml.ask("usage", "MIG-1").used_bytes == GIB


def test_memory_is_told_apart_by_process_and_measured_anew_each_time(nvml: Child) -> None:
    nvml.script(ONE, f"process 41 {4 * GIB}", "process 42 ?")
    seen = Usage(80 * GIB, GIB, 10 * GIB, {41: 4 * GIB, 42: None})
    assert nvml.ask("usage", "GPU-1") == seen
    nvml.script(f"gpu GPU-1 H100 {80 * GIB} {GIB} 0")
    assert nvml.ask("usage", "GPU-1") == Usage(80 * GIB, GIB, 0, {})


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        ("", ""),
        ("errors 0", ""),
        ("errors 3", "3 memory errors"),
        ("remap 0 0", ""),
        ("remap 1 0", "replaced only when the GPU is reset"),
        ("remap 0 1", "could not be replaced"),
        ("lost", "does not answer: GPU is lost"),
    ],
)
def test_a_faulty_gpu_says_what_is_wrong(nvml: Child, state: str, fault: str) -> None:
    nvml.script(ONE, state)
    said = nvml.ask("fault", Device("GPU-1", "H100"))
    assert fault in said
    assert bool(said) == bool(fault)


def test_the_health_of_an_instance_is_that_of_its_gpu(nvml: Child) -> None:
    nvml.script(ONE, "errors 1", f"part MIG-1 3g.40gb {40 * GIB} 0 0")
    assert "1 memory errors" in nvml.ask("fault", Device("MIG-1", "3g.40gb", "GPU-1"))


def test_a_gpu_that_falls_off_the_bus_is_a_failure_that_names_it(nvml: Child) -> None:
    nvml.script(ONE, "lost")
    with pytest.raises(DeviceFailure, match="GPU-1: GPU is lost"):
        nvml.ask("usage", "GPU-1")
    with pytest.raises(DeviceFailure, match="list of devices"):
        nvml.ask("devices")


def test_without_a_driver_there_is_no_nvml(library: Path, tmp_path: Path) -> None:
    child = Child(library, tmp_path / "no such file")
    assert isinstance(child.opened(), NoDriver)
    child.close()


def test_without_its_library_there_is_no_nvml(tmp_path: Path) -> None:
    code = "from executor.gpu.devices import Nvml\nNvml().__enter__()"
    environment = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment
    )
    if done.returncode == 0:
        pytest.skip("this machine has an NVIDIA driver")
    assert "NoDriver" in done.stderr
    assert "expected an NVIDIA driver" in done.stderr
