import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.proxy.memory import account, footprint, footprints

SIZE = 32 << 20
CODE_BYTES = 16 << 20
"""More than what an interpreter of our tests dirties while it waits."""


STEPS = """
import mmap, sys

kept = []
if "write" in sys.argv:
    kept.append(bytearray(b"x") * {size})
if "read" in sys.argv:
    with open(sys.argv[1], "rb") as file:
        kept.append(mmap.mmap(file.fileno(), {size}, prot=mmap.PROT_READ))
    sum(kept[-1][at] for at in range(0, {size}, 4096))
print("done", flush=True)
sys.stdin.read()
"""


class Child:
    """A process that does something and waits."""

    def __init__(self, *steps: str, file: Path = Path(os.devnull)) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-c", STEPS.format(size=SIZE), str(file), *steps],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.pid = self._process.pid
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def end(self) -> None:
        self._process.communicate()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights"
    with path.open("wb") as opened:
        opened.write(bytes(SIZE))
        opened.flush()
        os.fsync(opened.fileno())
    return path


@pytest.fixture
def library() -> Iterator[Child]:
    child = Child()
    yield child
    child.end()


def test_what_is_written_is_private_and_what_is_mapped_is_not(file: Path) -> None:
    for steps, least, most in (
        (("write",), SIZE, SIZE + CODE_BYTES),
        (("read",), 0, CODE_BYTES),
        (("write", "read"), SIZE, SIZE + CODE_BYTES),
    ):
        child = Child(*steps, file=file)
        assert least <= footprint(child.pid).private_bytes <= most
        child.end()


def test_a_function_holds_its_own_and_its_library_the_rest(library: Child, file: Path) -> None:
    child = Child("write", "read", file=file)
    functions, libraries = account({"f": (child.pid, "l")}, {"l": library.pid})
    alone, _ = account({"f": (child.pid, "")}, {})
    child.end()
    assert SIZE <= functions["f"] <= SIZE + CODE_BYTES
    assert alone["f"] > functions["f"] + SIZE // 2
    resident = int(Path(f"/proc/{library.pid}/statm").read_text().split()[1])
    assert libraries["l"] == resident * os.sysconf("SC_PAGE_SIZE")


def test_a_process_that_is_gone_holds_nothing() -> None:
    child = Child()
    child.end()
    assert footprint(child.pid) == footprints([child.pid])[child.pid] == footprint(2**30)
    assert footprint(child.pid).proportional_bytes == 0
