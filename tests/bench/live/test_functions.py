from pathlib import Path

import pytest

from executor.packages import read_packages

pytestmark = pytest.mark.torch
pytest.importorskip("torch", reason="networks take torch")

from bench.density.functions import Workshop  # noqa: E402
from bench.live.functions import alike, deployments, write_functions  # noqa: E402


def test_every_network_comes_several_times_and_owners_have_several() -> None:
    deployed = deployments(16, 2)
    assert len({one.name for one in deployed}) == 16
    assert len({one.network for one in deployed}) == 8
    assert [one.owner for one in deployed] == ["o1"] * 8 + ["o2"] * 8
    like = alike(deployed)
    assert like["bert-2"] == like["bert-1"] == "bert-1"


def test_functions_are_in_order(tmp_path: Path) -> None:
    deployed = [one for one in deployments(16, 2) if one.network == "resnet18"]
    write_functions(tmp_path / "f", deployed, Workshop(tmp_path))
    packages = read_packages(tmp_path / "f", models=tmp_path, python=Path("/usr/bin/python3"))
    assert set(packages) == {"resnet18-1", "resnet18-2"}
    (weights,) = {path for package in packages.values() for path in package.files}
    assert weights.stat().st_size > 40_000_000
    assert len({package.function.library for package in packages.values()}) == 1
