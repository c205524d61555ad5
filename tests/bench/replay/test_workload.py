"""Drawing functions, owners and calls from a trace."""

from dataclasses import replace

import numpy as np
import pytest

from bench.replay.profiles import PRIVATE_FILE, Reap, read_profile
from bench.replay.workload import Draw, draw_workload
from executor.errors import ConfigError
from executor.units import MIB
from tests.bench.replay.worlds import COSTS, trace, workload

DRAW = Draw(functions=30, owners=4, cap_per_min=2, minutes=10)


def draw(seed: int = 1, **changes: int):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    return draw_workload(trace(), COSTS, replace(DRAW, **changes), rng)


def test_as_many_functions_and_owners_as_asked_for() -> None:
    made = draw()
    assert len({one.name for one in made.functions}) == 30
    assert {one.owner for one in made.functions} <= {"o0", "o1", "o2", "o3"}
    assert all(one.memory_limit_bytes >= one.profile.memory_bytes for one in made.functions)


def test_without_a_number_of_owners_they_are_the_traces() -> None:
    made = draw(owners=0, functions=12)
    assert {one.owner for one in made.functions} == {"o0", "o1", "o2", "o3"}


def test_calls_are_capped_by_minute_and_within_the_length() -> None:
    made = draw()
    minute = (made.arrivals.at_s // 60).astype(int)
    counts: dict[tuple[int, int], int] = {}
    for key in zip(made.arrivals.functions.tolist(), minute.tolist(), strict=True):
        counts[key] = counts.get(key, 0) + 1
    assert max(counts.values()) == 2
    assert minute.min() >= 480
    assert minute.max() < 490


def test_copies_of_a_row_call_as_often_but_not_in_step() -> None:
    made = draw(functions=24, cap_per_min=5)
    minutes = (made.arrivals.at_s // 60).astype(int) - 480
    counts = np.zeros((24, 10), int)
    np.add.at(counts, (made.arrivals.functions, minutes), 1)
    firsts, copies = counts[:12], counts[12:]
    assert sorted(firsts.sum(axis=1)) == sorted(copies.sum(axis=1))
    same = {tuple(row) for row in firsts} & {tuple(row) for row in copies}
    assert len(same) < 6


def test_inference_times_scatter_about_their_models_mean() -> None:
    made = draw(functions=200)
    each = [made.models[f"f{function}"] for function in made.arrivals.functions]
    ratio = made.run_s / [COSTS.models[model].run_s for model in each]
    assert ratio.mean() == pytest.approx(1.0, abs=0.05)
    assert np.log(ratio).std() == pytest.approx(0.2, abs=0.03)


def test_the_same_seed_draws_the_same() -> None:
    first, again, other = draw(1), draw(1), draw(2)
    assert np.array_equal(first.arrivals.at_s, again.arrivals.at_s)
    assert np.array_equal(first.run_s, again.run_s)
    assert first.functions == again.functions
    assert not np.array_equal(first.arrivals.at_s, other.arrivals.at_s)


def test_inference_takes_on_average_what_the_source_says() -> None:
    assert np.mean([one.run_s for one in COSTS.models.values()]) == pytest.approx(0.245)
    footprints = [one.memory_mib for one in COSTS.models.values()]
    assert (min(footprints), max(footprints)) == (649, 1648)
    made = workload(functions=50)
    assert made.run_s.mean() == pytest.approx(0.245, rel=0.5)


def test_classes_follow_rates_and_gaps() -> None:
    counts = np.zeros((5, 100), np.int32)
    counts[0] = 1
    counts[1, ::5] = 1
    counts[2, 50] = 1
    counts[3, [1, 2, 3, 4, 5, 6, 90, 91]] = 1
    counts[4, [0, 10, 25, 30, 50, 55]] = 1
    made = draw_workload(
        replace(trace(5), counts=counts), COSTS, Draw(5, 0, 5, 100), np.random.default_rng(1)
    )
    by_row = {
        name: (popular, regular)
        for name, popular, regular in zip(
            np.bincount(made.arrivals.functions, minlength=5).tolist(),
            made.popularity,
            made.regularity,
            strict=True,
        )
    }
    assert by_row[100] == ("hot", "predictable")
    assert by_row[20] == ("medium", "predictable")
    assert by_row[1] == ("rare", "unknown")
    assert by_row[8] == ("rare", "bursty")
    assert by_row[6] == ("rare", "normal")


def test_a_snapshot_start_reads_the_footprint_and_faults_in_what_it_missed() -> None:
    reap = Reap().applied(COSTS)
    size_bytes = 649 * MIB
    expected_s = 0.97 * size_bytes / 533e6 + 0.03 * size_bytes / 43e6
    assert reap.start_s == 0.05
    assert reap.models["resnet18"].import_s == 0.0
    assert reap.models["resnet18"].load_s == pytest.approx(expected_s)
    assert reap.models["resnet18"].memory_mib == 649


def test_a_model_takes_of_a_gpu_what_the_file_says() -> None:
    known = COSTS.profile("vgg19").gpu
    assert known is not None
    assert known.memory_bytes == 1648 * MIB
    assert known.gpu_memory_bytes == COSTS.models["vgg19"].gpu.memory_mib * MIB  # type: ignore[union-attr]
    assert known.move_s == pytest.approx(0.089)
    assert Reap().applied(COSTS).models["vgg19"].gpu == COSTS.models["vgg19"].gpu


def test_a_wrong_profile_is_refused_by_key(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "profile.yaml"
    file.write_text(PRIVATE_FILE.read_text().replace("import_s: 0.70", "import_s: -1"))
    with pytest.raises(ConfigError, match=r"models.resnet18.import_s is '-1'"):
        read_profile(file)
