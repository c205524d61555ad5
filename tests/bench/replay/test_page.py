"""The tables of the page."""

from pathlib import Path

import pytest
import typer

from bench.replay.page import COLUMNS, main, targets
from bench.replay.runs import RunKey
from bench.replay.summary import Summary, table


def run(preload: str, seed: int, mean_s: float, starts: str = "private") -> tuple[RunKey, dict]:  # type: ignore[type-arg]
    figures = {("e2e_s", "mean"): mean_s, ("e2e_s", "p99"): 4.0, ("hit_rate", "hot"): 0.5}
    return RunKey(seed, 60, "openwhisk", preload, starts), figures


SUMMARY = Summary(
    dict(
        [
            run("instainfer", 1, 2.0),
            run("instainfer", 2, 2.0),
            run("headstart", 1, 1.0),
            run("headstart", 2, 1.2),
            run("headstart", 1, 0.2, "shared"),
        ]
    )
)


def cells(text: str, beginning: str) -> list[str]:
    (line,) = (one for one in text.splitlines() if one.startswith(beginning))
    return line.strip("| ").split(" | ")


def test_results_have_an_interval_where_there_are_several_seeds() -> None:
    row = cells(table(SUMMARY, COLUMNS), "| 60 | openwhisk | private | headstart |")
    assert row[4:6] == ["1-2", "1.10 ± 1.27"]
    row = cells(table(SUMMARY, COLUMNS), "| 60 | openwhisk | shared | headstart |")
    assert row[4:6] == ["1", "0.20"]


def test_targets_are_judged_for_each_set_up() -> None:
    text = targets(SUMMARY)
    assert cells(text, "| target")[1:] == [
        "openwhisk, 60 GiB, private",
        "openwhisk, 60 GiB, shared",
    ]
    assert cells(text, "| mean, of private") == [
        "mean, of private instainfer's <= 0.6",
        "0.55 ± 0.64, reached",
        "0.10, reached",
    ]
    assert cells(text, "| resident, hot")[1:] == ["0.50, missed", "0.50, missed"]


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="has no runs"):
        main([tmp_path])
