"""Runs to figures over seeds."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.replay.measures import Row
from bench.replay.profiles import read_profile
from bench.replay.runs import Grid, RunKey, pending, read_rows, write_rows
from bench.replay.summary import SECTIONS, Setup, Summary, table, tables
from bench.replay.workload import Draw
from executor.domain import StartKind
from executor.errors import ConfigError
from tests.bench.replay.worlds import COSTS, SHARED, trace

QUANTILES = ("mean", "p50", "p95", "p99")
GRID = Grid(
    trace(),
    ("openwhisk",),
    ("none", "headstart"),
    {"private": COSTS},
    (60,),
    (1, 2),
    Draw(10, 2, 5, 10),
    True,
)


def key(preload: str, seed: int, starts: str = "private") -> RunKey:
    return RunKey(seed, 60, "azure_premium", preload, starts)


def figures(mean_s: float) -> dict[tuple[str, str], float]:
    return {("e2e_s", "mean"): mean_s, ("loading_s", "mean"): mean_s / 2}


def test_means_intervals_and_ratios_are_over_seeds() -> None:
    summary = Summary(
        {
            key("none", 1): figures(2.0),
            key("none", 2): figures(4.0),
            key("headstart", 1): figures(1.0),
            key("headstart", 2): figures(2.0),
            key("clairvoyant", 1): figures(0.5),
            key("clairvoyant", 2): figures(1.0),
        }
    )
    setup = Setup(60, "azure_premium", "headstart", "private")
    estimate = summary.estimate(setup.other("none"), "e2e_s", "mean")
    assert estimate is not None
    assert estimate.mean == 3.0
    assert estimate.half_width == pytest.approx(12.71 * 1.0)
    ratio = summary.ratio(setup, setup.other("none"), "e2e_s", "mean")
    assert ratio is not None
    assert (ratio.mean, ratio.half_width) == (0.5, 0.0)
    gain = summary.gain(setup)
    assert gain is not None
    assert gain.mean == pytest.approx(2 / 3)
    regret = summary.regret(setup)
    assert regret is not None
    assert regret.mean == pytest.approx(0.75)
    assert summary.estimate(setup, "hit_rate", "rare") is None


def test_runs_are_written_whole_and_read_back(tmp_path: Path) -> None:
    rows = [Row("e2e_s", "mean", 0.1), Row("hit_rate", "hot", 1 / 3)]
    file = tmp_path / key("none", 3).file_name
    write_rows(file, rows)
    assert read_rows(file) == rows
    assert [one.name for one in tmp_path.iterdir()] == [file.name]
    summary = Summary.read(tmp_path)
    assert summary.setups() == [Setup(60, "azure_premium", "none", "private")]
    assert "azure_premium" in tables(summary)


def test_a_grid_goes_on_where_it_stopped(tmp_path: Path) -> None:
    assert len(pending(GRID, tmp_path)) == 4
    done = RunKey(1, 60, "openwhisk", "headstart", "private")
    write_rows(tmp_path / done.file_name, [])
    assert done not in pending(GRID, tmp_path)
    assert len(pending(GRID, tmp_path)) == 3


def test_runs_of_other_settings_are_not_mixed(tmp_path: Path) -> None:
    pending(GRID, tmp_path)
    with pytest.raises(ConfigError, match="functions=11"):
        pending(replace(GRID, draw=Draw(11, 2, 5, 10)), tmp_path)
    with pytest.raises(ConfigError, match="trace="):
        pending(replace(GRID, trace=trace(11)), tmp_path)
    with pytest.raises(ConfigError, match="warm_keeps_model=False"):
        pending(replace(GRID, warm_keeps_model=False), tmp_path)


def test_start_costs_are_kept_beside_the_runs_and_never_change(tmp_path: Path) -> None:
    pending(GRID, tmp_path)
    assert read_profile(tmp_path / "starts-private.yaml") == COSTS
    pending(replace(GRID, starts={"private": COSTS, "mine": SHARED}), tmp_path)
    with pytest.raises(ConfigError, match="starts-private"):
        pending(replace(GRID, starts={"private": SHARED}), tmp_path)


def test_runs_without_an_answer_have_no_ratio_nor_gain_nor_regret() -> None:
    preloads = ("none", "headstart", "clairvoyant")
    summary = Summary({key(preload, 1): {("calls", ""): 0.0} for preload in preloads})
    setup = Setup(60, "azure_premium", "headstart", "private")
    assert summary.gain(setup) is None
    assert summary.regret(setup) is None
    assert summary.ratio(setup, setup.other("none"), "e2e_s", "mean") is None
    alike = Summary({key(preload, 1): figures(2.0) for preload in preloads})
    assert alike.gain(setup) is None


def test_a_file_names_its_run_whatever_the_starts_are_called() -> None:
    for one in (key("none", 12), key("headstart", 1, "measured-here_2")):
        assert RunKey.of_file(one.file_name) == one


def test_the_table_sets_shared_starts_beside_the_rival_with_and_without_them() -> None:
    runs = {
        key("instainfer", 1): figures(4.0),
        key("instainfer", 1, "shared"): figures(2.0),
        key("headstart", 1, "shared"): figures(1.0),
        key("headstart", 2, "shared"): figures(1.0),
    }
    lines = [line.split(" | ") for line in table(Summary(runs), SECTIONS["Latency"]).splitlines()]
    row = dict(zip(lines[0], lines[-1], strict=True))
    assert (row["starts"], row["seeds"]) == ("shared", "1-2")
    assert row["e2e / instainfer"] == "0.50"
    assert row["e2e / private instainfer"] == "0.25"


def test_the_tables_have_every_figure_that_a_replay_is_judged_by() -> None:
    run = {("hit_rate", "all"): 0.4}
    run |= {(metric, group): 1.0 for metric in ("e2e_s", "loading_s") for group in QUANTILES}
    run |= {("start_kind", kind.value): 0.2 for kind in StartKind}
    run |= {(name, ""): 1.0 for name in ("memory_gib_s", "loads_per_h")}
    run |= {("unanswered", ""): 3.0}
    run |= {("load_cpu_s", "ahead"): 1.0, ("load_cpu_s", "on_call"): 1.0}
    text = tables(Summary({key("headstart", 1): run, key("clairvoyant", 1): run}))
    rows = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| ")]
    titles = {
        title
        for head, row in zip(rows[::4], rows[2::4], strict=True)
        for title, cell in zip(head, row, strict=True)
        if cell.strip()
    }
    for name in ("e2e", "loading"):
        assert titles >= {f"{name} {group}, s" for group in QUANTILES}
    assert titles >= {"cold", "warm", "library", "host", "gpu", "regret, s"}
    assert titles >= {"unanswered", "resident"}
    assert titles >= {"GiB-s", "loads an hour", "CPU s ahead", "CPU s on call"}
