"""The benchmark as a command."""

import csv
import gzip
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.predictors.cli import app
from tests.bench.predictors.small import write_traces


def test_tables_and_picture_are_written(tmp_path: Path) -> None:
    write_traces(tmp_path / "traces", functions=60)
    log = "t_s\n" + "".join(f"{7 * call}\n" for call in range(500))
    (tmp_path / "traces" / "azure_llm2023_code.csv.gz").write_bytes(gzip.compress(log.encode()))
    arguments = ["predictors", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    options = ["--predictors", "poisson,mixture", "--horizons", "60,600", "--every-s", "300"]
    result = CliRunner().invoke(app, arguments + options, catch_exceptions=False)
    assert result.exit_code == 0
    with (tmp_path / "out" / "predictors.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["predictor"] for row in rows} == {"poisson", "mixture"}
    assert {row["trace"] for row in rows} > {"all", "azure2019_24h_sample", "azure_llm2023_code"}
    tables = (tmp_path / "out" / "predictors.md").read_text()
    assert "| mixture |" in tables
    assert "| azure_llm2023_code | 1 | 60 s |" in tables
    assert (tmp_path / "out" / "calibration.png").stat().st_size > 10_000


@pytest.mark.torch
def test_weights_are_trained_and_usable(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from predictors.arrival.neural import NeuralPredictor

    write_traces(tmp_path / "traces", functions=60)
    weights = tmp_path / "weights.npz"
    arguments = ["train-predictor", "--data", str(tmp_path), "--out", str(weights), "--epochs", "1"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert "horizon 600 s" in result.output
    predictor = NeuralPredictor(weights)
    predictor.resize(2)
    assert predictor.forecast(0.0, 60.0).at_least.shape == (2, 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--predictors", "poisson,oracle"], "'oracle', expected some of poisson"),
        (["--horizons", "10,soon"], "'10,soon', expected numbers such as 10,60"),
        (["--horizons", "0"], "'0', expected numbers"),
        (["--horizons", "nan"], "'nan', expected numbers"),
        (["--horizons", "90000"], "above 0 and up to 8400"),
        (["--functions", "0"], "greater than or equal to 1"),
        (["--every-s", "0"], "greater than or equal to 1"),
    ],
)
def test_bad_options_are_refused_by_name(tmp_path: Path, options: list[str], message: str) -> None:
    write_traces(tmp_path / "traces", functions=30)
    arguments = ["predictors", "--data", str(tmp_path), "--out", str(tmp_path / "out"), *options]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert message in result.output
    assert options[0] in result.output


@pytest.mark.parametrize(("option", "value"), [("--data", "nowhere"), ("--out", "blocked")])
def test_what_a_user_can_mend_is_one_line(tmp_path: Path, option: str, value: str) -> None:
    write_traces(tmp_path / "traces", functions=30)
    (tmp_path / "blocked").write_text("a file")
    arguments = ["predictors", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*arguments, option, str(tmp_path / value)])
    assert result.exit_code == 2
    assert result.output.startswith("error: ")
    assert value in result.output
