"""The real ``nvidia-ml-py`` over a library that a file scripts; a control program for MPS."""

import base64
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.executor.gpu.fakes import build_library

ROOT = Path(__file__).parents[3]


class Child:
    """A process that has opened NVML."""

    def __init__(self, library: Path, script: Path) -> None:
        environment = {**os.environ, "LD_LIBRARY_PATH": str(library), "FAKE_NVML": str(script)}
        self._script = script
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.executor.gpu.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment,
            text=True,
        )

    def script(self, *lines: str) -> None:
        """Change what the library says."""
        new = self._script.with_suffix(".new")
        new.write_text("".join(f"{line}\n" for line in lines))
        new.replace(self._script)

    def opened(self) -> object:
        return self._answer()

    def ask(self, name: str, *arguments: object) -> Any:
        assert self._process.stdin is not None
        data = base64.b64encode(pickle.dumps((name, arguments))).decode()
        self._process.stdin.write(f"{data}\n")
        self._process.stdin.flush()
        answer = self._answer()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self._process.communicate()

    def _answer(self) -> object:
        assert self._process.stdout is not None
        return pickle.loads(base64.b64decode(self._process.stdout.readline()))


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_library(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def nvml(library: Path, tmp_path: Path) -> Iterator[Child]:
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    script = tmp_path / "nvml"
    script.touch()
    child = Child(library, script)
    assert child.opened() == "open"
    yield child
    child.close()
