from dataclasses import replace
from pathlib import Path

from bench.demo.client import Outcome
from bench.live.report import Study, write_report
from bench.live.runs import SHARE, Cell, Ran

CALL = Outcome("f", 0.0, 1.0, 200, "host", "i1", 0.0, 0.0, 1.0)


def run(*loading_s: float, lost: int = 0, held_gib_s: float = 10.0) -> Ran:
    """Make calls of a second each, half a second apart, that took so long to load."""
    calls = [
        replace(
            CALL, at_s=0.5 * n, latency_s=1 + s, loading_s=s, start_kind="warm" if s else "host"
        )
        for n, s in enumerate(loading_s)
    ]
    return Ran((*calls, *[replace(CALL, status=503)] * lost), held_gib_s)


def test_what_is_removed_is_counted_overall_and_after_the_lead_in(tmp_path: Path) -> None:
    none, on = Cell("fits", "openwhisk", "none"), Cell("fits", "openwhisk", "headstart")
    ran = {none: run(1, 1, 1, 1), on: run(1, 0, 0, 0.2, lost=1, held_gib_s=9.0)}
    write_report(tmp_path, Study(ran, {none: run(1.2), on: run(0.6)}, 3.0), "preface")
    text = (tmp_path / "summary.md").read_text()
    assert text.startswith("preface")
    assert "| openwhisk | headstart | 1 | 1300 |" in text
    assert "| 70.0 % | 90.0 % | 0 / 2 / 0 / 2 | 9 | 0.900 |" in text
    assert "| fits | openwhisk | no pre-loading | 2000 | 2200 | 1.10 | 1000 | 1200 |" in text
    assert (tmp_path / "fits-openwhisk.png").stat().st_size > 0


def test_functions_that_share_stand_beside_those_that_do_not(tmp_path: Path) -> None:
    strict, share = (Cell("pressure", "faascache", way) for way in ("headstart", SHARE))
    ran = {strict: run(0.4, 0.2), share: run(0, 0.1)}
    write_report(tmp_path, Study(ran, ran, 1.0), "")
    text = (tmp_path / "summary.md").read_text()
    assert "| pressure | faascache | strict | 300 | 390 | 0.0 % | 1300 |" in text
    assert "| pressure | faascache | share | 50 | 95 | 50.0 % | 1050 |" in text
