from pathlib import Path

import pytest

from bench.demo.workload import Arrival
from bench.live.predict import Prediction
from bench.live.runs import Ran
from bench.replay.profiles import ModelCosts, ProfileFile
from executor.config import Config
from executor.packages import read_packages
from tests.e2e.servers import ECHO, write_function

COSTS = ModelCosts(library="", import_s=0.5, load_s=0.25, memory_mib=48, limit_mib=128, run_s=0.5)
PROFILE = ProfileFile(start_s=1.0, call_s=0.125, models={"f": COSTS})


def predicted(folder: Path, arrivals: list[Arrival], cores: int, **settings: object) -> Ran:
    for name, owner in {"f": "o", "g": "p"}.items():
        write_function(folder / "functions" / name, ECHO, {"owner": owner})
    packages = read_packages(folder / "functions", models=folder, python=Path("/usr/bin/python3"))
    config = Config.model_validate({"functions": folder / "functions", **settings})
    like = dict.fromkeys(packages, "f")
    return Prediction(config, packages, PROFILE, like, cores).of(arrivals, 20.0)


def test_a_call_takes_what_was_measured(tmp_path: Path) -> None:
    calls = [Arrival(1.0, "f"), Arrival(10.0, "f")]
    ran = predicted(tmp_path, calls, 2, plan={"enabled": False})
    cold, resident = ran.outcomes
    assert (cold.start_kind, resident.start_kind) == ("cold", "host")
    assert (cold.wait_s, cold.loading_s, cold.run_s) == pytest.approx((1.0, 0.875, 0.5))
    assert resident.latency_s == pytest.approx(0.625)
    assert ran.held_gib_s == pytest.approx(19.0 * 128 / 1024)


def test_calls_share_the_cores(tmp_path: Path) -> None:
    calls = [Arrival(1.0, "f"), Arrival(1.0, "g")]
    ran = predicted(tmp_path, calls, 1, plan={"enabled": False})
    assert [one.latency_s for one in ran.outcomes] == pytest.approx([4.75, 4.75])


def test_what_is_offloaded_after_each_call_is_loaded_ahead_of_the_next(tmp_path: Path) -> None:
    calls = [Arrival(float(at_s), "f") for at_s in range(1, 15, 2)]
    unkept = {"serve": {"warm_keeps_model": False}}
    off = predicted(tmp_path / "off", calls, 2, plan={"enabled": False}, **unkept)
    on = predicted(tmp_path / "on", calls, 2, plan={"method": "density"}, **unkept)
    assert [one.start_kind for one in off.outcomes[1:]] == ["warm"] * 6
    assert on.outcomes[-1].start_kind == "host"
