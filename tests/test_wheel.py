"""The wheel with a compiled controller does what the sources do."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TRACE = "HashOwner,HashFunction,1,2,3,4,5\n" + "".join(
    f"o{row % 2},f{row},{row % 3},1,4,{row % 2},2\n" for row in range(20)
)


def replayed(trace: Path, code: Path, out: Path) -> dict[str, str]:
    options = ["--policies", "openwhisk,pagurus", "--preload", "headstart", "--starts", "shared"]
    size = ["--functions", "20", "--minutes", "5", "--memory-gib", "8", "--seeds", "1"]
    subprocess.run(
        [sys.executable, "-m", "bench.replay", "--trace", trace, *options, *size, "--out", out],
        env=os.environ | {"PYTHONPATH": str(code)},
        cwd=trace.parent,
        check=True,
    )
    return {file.name: file.read_text() for file in (out / "runs").glob("*.csv")}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_a_compiled_controller_replays_to_the_same_bits(tmp_path: Path) -> None:
    subprocess.run([ROOT / "scripts/wheel.sh", tmp_path / "wheel"], check=True)
    (wheel,) = (tmp_path / "wheel").glob("headstart-*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "code")
    assert list((tmp_path / "code/executor").glob("controller.*.so"))
    trace = tmp_path / "trace.csv"
    trace.write_text(TRACE)
    compiled = replayed(trace, tmp_path / "code", tmp_path / "compiled")
    assert len(compiled) == 2
    assert compiled == replayed(trace, ROOT, tmp_path / "plain")
