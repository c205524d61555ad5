"""What is drawn of a summary."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.replay import figures
from bench.replay.runs import RunKey
from bench.replay.summary import Summary


def test_bars_have_the_means_and_intervals_of_each_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: dict[str, Sequence[tuple[float, float]]] = {}

    def bars(
        _: Path, groups: Sequence[str], heights: dict[str, Sequence[tuple[float, float]]], *__: str
    ) -> None:
        assert list(groups) == ["openwhisk", "faascache"]
        drawn.update(heights)

    monkeypatch.setattr(figures, "bars", bars)
    runs = {
        RunKey(1, 60, "openwhisk", "own", "private"): {("e2e_s", "mean"): 2.0},
        RunKey(2, 60, "openwhisk", "own", "private"): {("e2e_s", "mean"): 4.0},
        RunKey(1, 60, "faascache", "own", "shared"): {("e2e_s", "mean"): 1.0},
    }
    files = figures.draw(Summary(runs), tmp_path)
    assert [file.name for file in files] == [
        "latency_by_policy_60gib.png",
        "latency_openwhisk_60gib.png",
        "memory_openwhisk_60gib.png",
        "latency_faascache_60gib.png",
        "memory_faascache_60gib.png",
    ]
    assert drawn["own"][0] == pytest.approx((3.0, 12.71))
    assert drawn["own, shared starts"][1] == (1.0, 0.0)
