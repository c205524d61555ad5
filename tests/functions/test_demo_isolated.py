"""Every demo function declares all the files that it reads: as root it sees no others."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from bench.profile.measure import Laboratory
from executor.calls import Payload
from executor.clock import since_midnight
from executor.packages import read_packages
from executor.runtimes.process import ProcessRuntime
from tests.functions.demo_modules import FUNCTIONS

MODELS = FUNCTIONS.parent / "var" / "models"
NAMES = sorted(file.parent.name for file in FUNCTIONS.glob("*/function.yaml"))

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.torch,
    pytest.mark.skipif(os.geteuid() != 0, reason="a view of its own for a function takes root"),
    pytest.mark.skipif(
        not MODELS.is_dir(), reason=f"no model files; run functions/prepare.py --models {MODELS}"
    ),
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def hidden_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the model files in a temporary folder, which a function's view replaces."""
    folder = tmp_path_factory.mktemp("hidden") / "models"
    shutil.copytree(MODELS, folder)
    return folder


@pytest.mark.parametrize("name", NAMES)
async def test_a_demo_function_answers_in_its_own_view(
    name: str, hidden_models: Path, tmp_path: Path
) -> None:
    packages = read_packages(FUNCTIONS, models=hidden_models, python=Path(sys.executable))
    clock = since_midnight()
    laboratory = Laboratory(
        packages,
        clock,
        lambda calls: ProcessRuntime(packages, calls, clock, tmp_path / "state"),
    )
    await laboratory.open()
    try:
        request = Payload((FUNCTIONS / name / "example.json").read_bytes())
        (sample,) = await laboratory.measure(name, request, 1, lambda: None)
    finally:
        await laboratory.runtime.close()
    held_bytes = sample.memory_bytes + sample.library_bytes
    assert held_bytes <= packages[name].function.memory_limit_bytes
