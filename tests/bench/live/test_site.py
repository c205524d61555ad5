import json
from pathlib import Path

import pytest

from bench.live.place import Place
from bench.live.runs import SHARE, Cell
from bench.live.site import Site
from bench.replay.profiles import ModelCosts, ProfileFile
from executor.domain import Isolation
from executor.units import GIB, MIB
from tests.e2e.servers import ECHO, write_function

COSTS = ModelCosts(library="", import_s=0.5, load_s=0.2, memory_mib=48, limit_mib=128, run_s=0.1)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    for name, owner in {"f": "o", "g": "o", "h": "p"}.items():
        write_function(tmp_path / "functions" / name, ECHO, {"owner": owner})
    like = dict.fromkeys("fgh", "f")
    place = Place("process", "")
    return Site(tmp_path / "functions", tmp_path, like, place, tmp_path / "out")


def test_functions_are_written_with_what_was_measured(site: Site) -> None:
    site.adapt(ProfileFile(start_s=1.0, models={"f": COSTS}))
    strict = site.adapted(Cell("fits", "openwhisk", "headstart"))
    share = site.adapted(Cell("fits", "openwhisk", SHARE))
    assert set(strict) == set(share) == set("fgh")
    assert strict["g"].function.isolation is Isolation.STRICT
    assert share["g"].function.isolation is Isolation.SHARE
    profile = strict["h"].function.profile
    assert (profile.import_s, profile.load_s, profile.memory_bytes) == (0.5, 0.2, 48 * MIB)
    assert strict["h"].function.owner == "p"


@pytest.mark.parametrize(
    ("setup", "demand", "expected"),
    [("fits", GIB, 3 * 128 * MIB), ("pressure", GIB, GIB // 2), ("pressure", 1, 2 * 128 * MIB)],
)
def test_memory_follows_the_set_up(site: Site, setup: str, demand: int, expected: int) -> None:
    assert site.memory_bytes(setup, demand) == expected
    config = site.config(Cell(setup, "pagurus", "none"), demand)
    assert config["worker"] == {"memory": expected}
    assert config["keep_alive"] == {"policy": "pagurus"}
    assert config["plan"] == {"enabled": False}
    json.dumps(config)
