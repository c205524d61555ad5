"""The command, on a trace of its own."""

import gzip
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.replay.cli import app
from bench.replay.profiles import PRIVATE_FILE, read_profile, write_profile
from bench.replay.runs import read_rows

TRACE = "HashOwner,HashFunction,1,2,3,4,5\n" + "".join(
    f"o{row % 2},f{row},{row % 3},1,0,{row % 2},2\n" for row in range(6)
)


def run(tmp_path: Path, *arguments: str):  # type: ignore[no-untyped-def]
    file = tmp_path / "trace.csv"
    file.write_text(TRACE)
    fixed = ["--trace", str(file), "--functions", "8", "--minutes", "5", "--owners", "2"]
    return CliRunner().invoke(app, [*fixed, "--out", str(tmp_path / "out"), *arguments])


def test_it_writes_runs_a_table_and_pictures(tmp_path: Path) -> None:
    chosen = ["--policies", "openwhisk", "--preload", "none,own", "--memory-gib", "16"]
    result = run(tmp_path, *chosen, "--seeds", "1-2", "--warm-keeps-model", "no")
    assert result.exit_code == 0, result.output
    out = tmp_path / "out"
    assert len(list((out / "runs").glob("*.csv"))) == 4
    assert "| 16 | openwhisk | private | own | 1-2 |" in (out / "summary.md").read_text()
    assert {one.name for one in out.glob("*.png")} == {
        "latency_by_policy_16gib.png",
        "latency_openwhisk_16gib.png",
        "memory_openwhisk_16gib.png",
    }


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--policies", "lru"),
        ("--preload", "all"),
        ("--memory-gib", "0"),
        ("--seeds", "a-b"),
        ("--seeds", "3-"),
        ("--seeds", "3-1"),
        ("--starts", "nowhere"),
        ("--warm-keeps-model", "maybe"),
    ],
)
def test_wrong_options_are_refused_by_name(tmp_path: Path, option: str, value: str) -> None:
    result = run(tmp_path, option, value)
    assert result.exit_code == 2
    assert option in result.output


def test_a_trace_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    result = run(tmp_path, "--trace", str(tmp_path / "nowhere.csv"))
    assert result.exit_code == 2
    assert result.output.startswith("error: ")
    assert "nowhere.csv" in result.output
    (tmp_path / "bad.csv").write_text(TRACE.replace("f3,0", "f3,many"))
    result = run(tmp_path, "--trace", str(tmp_path / "bad.csv"))
    assert result.exit_code == 2
    assert "line 5: column 3: 'many'" in result.output
    assert "Traceback" not in result.output


def test_what_a_user_can_mend_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file")
    (tmp_path / "empty.csv").write_text("id,1,2\n")
    (tmp_path / "costs.yaml").write_text("models: {}\n")
    for option, value, message in [
        ("--out", "blocked", "blocked"),
        ("--trace", "empty.csv", "empty.csv: line 2: no rows"),
        ("--starts", "costs.yaml", "costs.yaml: start_s"),
    ]:
        result = run(tmp_path, option, str(tmp_path / value))
        assert result.exit_code == 2
        assert result.output.startswith("error: ")
        assert message in result.output


def test_a_trace_by_name_is_looked_for_in_the_data(tmp_path: Path) -> None:
    (tmp_path / "traces").mkdir()
    (tmp_path / "traces" / "azure2019_24h_sample.csv.gz").write_bytes(gzip.compress(TRACE.encode()))
    named = ["--trace", "azure2019_24h_sample", "--data", str(tmp_path)]
    chosen = ["--policies", "openwhisk", "--preload", "none", "--memory-gib", "16", "--seeds", "1"]
    assert run(tmp_path, *chosen, *named).exit_code == 0
    result = run(tmp_path, *chosen, "--trace", "azure2019_8h", "--data", str(tmp_path))
    assert result.exit_code == 2
    assert "azure2019_8h_functions.csv.gz" in result.output


def test_gpus_are_shared_by_all_containers(tmp_path: Path) -> None:
    chosen = ["--policies", "openwhisk", "--preload", "own", "--memory-gib", "16", "--seeds", "1"]
    assert run(tmp_path, *chosen, "--gpus", "1", "--gpu-memory-gib", "2").exit_code == 0
    (file,) = (tmp_path / "out" / "runs").glob("*.csv")
    shares = {(row.metric, row.group): row.value for row in read_rows(file)}
    assert shares["start_kind", "gpu"] > 0
    assert "gpus=1x2GiB" in (tmp_path / "out" / "runs" / "settings.txt").read_text()
    assert run(tmp_path, *chosen).exit_code == 2


def test_gpus_need_models_that_can_use_them(tmp_path: Path) -> None:
    costs = read_profile(PRIVATE_FILE)
    models = {name: one.model_copy(update={"gpu": None}) for name, one in costs.models.items()}
    write_profile(tmp_path / "without.yaml", costs.model_copy(update={"models": models}))
    result = run(tmp_path, "--gpus", "1", "--starts", str(tmp_path / "without.yaml"))
    assert result.exit_code == 2
    assert "--gpus needs --starts" in result.output


def test_starts_of_one_name_are_refused(tmp_path: Path) -> None:
    shipped, named_alike = PRIVATE_FILE.read_text(), tmp_path / "private.yaml"
    named_alike.write_text(shipped)
    result = run(tmp_path, "--starts", str(named_alike))
    assert result.exit_code == 2
    assert "--starts" in result.output
    (tmp_path / "other").mkdir()
    for folder in (tmp_path, tmp_path / "other"):
        (folder / "mine.yaml").write_text(shipped)
    both = f"{tmp_path / 'mine.yaml'},{tmp_path / 'other' / 'mine.yaml'}"
    assert run(tmp_path, "--starts", both).exit_code == 2


def test_traces_without_calls_and_with_one_function_are_replayed(tmp_path: Path) -> None:
    chosen = ["--policies", "openwhisk", "--memory-gib", "4", "--seeds", "1"]
    for name, counts in {"quiet": "0,0", "single": "1,2"}.items():
        file = tmp_path / f"{name}.csv"
        file.write_text(f"id,1,2\na,{counts}\n")
        out = ["--out", str(tmp_path / name)]
        result = run(tmp_path, *chosen, "--trace", str(file), "--functions", "1", *out)
        assert result.exit_code == 0, result.output
        assert "clairvoyant" in (tmp_path / name / "summary.md").read_text()


def test_an_interrupted_replay_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    chosen = ["--policies", "openwhisk", "--preload", "none,own", "--memory-gib", "16"]
    runs = tmp_path / "out" / "runs"
    assert run(tmp_path, *chosen, "--seeds", "1").exit_code == 0
    kept, lost = sorted(runs.glob("*.csv"))
    measured = lost.read_text()
    lost.unlink()
    lost.with_suffix(".part").write_text("half a fi")
    before = kept.stat().st_mtime_ns
    assert run(tmp_path, *chosen, "--seeds", "1").exit_code == 0
    assert kept.stat().st_mtime_ns == before
    assert lost.read_text() == measured


def test_a_folder_with_other_runs_is_one_line(tmp_path: Path) -> None:
    chosen = ["--policies", "openwhisk", "--preload", "none", "--memory-gib", "16", "--seeds", "1"]
    assert run(tmp_path, *chosen).exit_code == 0
    result = run(tmp_path, *chosen, "--cap", "3")
    assert result.exit_code == 2
    assert result.output.startswith("error: ")
    assert "Draw(functions=8, owners=2, cap_per_min=5, minutes=5)" in result.output
