import subprocess
import sys

import pytest

from tests.executor.gpu.conftest import ROOT

pytestmark = [pytest.mark.gpu, pytest.mark.torch]


def test_a_network_goes_to_a_real_gpu_and_back() -> None:
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    pytest.importorskip("torch", reason="torch is not installed")
    command = [sys.executable, "-m", "tests.executor.gpu.hardware"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if done.stdout != "ok\n":
        pytest.skip(done.stdout.strip())
