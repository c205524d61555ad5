"""Small problems with every feature of the model, drawn by hypothesis or from a seed."""

from dataclasses import fields, replace

import numpy as np
from hypothesis import strategies as st

from solver import InvalidProblem, Problem
from solver.builder import Mode, ProblemBuilder
from solver.pairs import Rows
from solver.problem import Tier

_TIERS: tuple[tuple[Tier, ...], ...] = (("host",), ("gpu",), ("host", "gpu"))
_chances = st.integers(0, 20).map(lambda n: n / 20)
_seconds = st.integers(0, 40).map(lambda n: n / 8)


@st.composite
def problems(draw: st.DrawFn, max_functions: int = 8, max_instances: int = 3) -> Problem:
    """Draw modes, copies, GPUs, libraries, held, pinned, forbidden pairs and single costs."""
    builder = ProblemBuilder()
    for library in range(2):
        builder.add_library(f"l{library}", draw(st.integers(0, 3)))
    for gpu in range(2):
        builder.add_gpu(f"k{gpu}", draw(st.integers(0, 6)))
    n_owners = draw(st.integers(1, 2))
    for function in range(draw(st.integers(1, max_functions))):
        builder.add_function(
            f"f{function}",
            f"u{draw(st.integers(1, n_owners))}",
            sorted(draw(st.lists(_chances, min_size=1, max_size=3)), reverse=True),
            [_draw_mode(draw, tier) for tier in draw(st.sampled_from(_TIERS))],
            draw(st.sampled_from((None, "l0", "l1"))),
        )
    for instance in range(draw(st.integers(1, max_instances))):
        builder.add_instance(
            f"i{instance}",
            f"u{draw(st.integers(1, n_owners))}",
            draw(st.integers(0, 8)),
            draw(st.sampled_from((None, "k0", "k1"))),
            draw(st.sampled_from((1.0, 0.75, 0.5))),
        )
    return _with_pairs(draw, builder.build())


def _draw_mode(draw: st.DrawFn, tier: Tier) -> Mode:
    gpu_memory_bytes = draw(st.integers(0, 4)) if tier == "gpu" else 0
    return Mode(tier, draw(st.integers(0, 5)), draw(_seconds), draw(_chances), gpu_memory_bytes)


def _with_pairs(draw: st.DrawFn, problem: Problem) -> Problem:
    rows = problem.pairs.rows(slice(None))
    if not len(rows):
        return problem
    picks = st.lists(st.integers(0, len(rows) - 1), unique=True, max_size=6)
    held, costly = rows[draw(picks)], rows[draw(picks)]
    banned, *pinned = np.split(rows[draw(picks)], [2])
    return replace(
        problem,
        held=_together(problem, _without(held, banned)),
        pinned=_together(problem, pinned[0][:2]),
        forbidden=banned,
        load_cost_pairs=costly,
        load_cost_s=np.array(draw(st.lists(_chances, min_size=len(costly), max_size=len(costly)))),
    )


def _without(rows: Rows, banned: Rows) -> Rows:
    return np.array([row for row in rows.tolist() if row not in banned.tolist()]).reshape(-1, 2)


def _together(problem: Problem, rows: Rows) -> Rows:
    """Keep the rows that can be in place at the same time, first come first served."""
    kept: list[list[int]] = []
    for row in rows.tolist():
        try:
            replace(problem, held=np.array([*kept, row]))
        except InvalidProblem:
            continue
        kept.append(row)
    return np.array(kept, dtype=np.int32).reshape(-1, 2)


def assert_same(one: Problem, other: Problem) -> None:
    """Check that two problems are equal, column by column."""
    for field in fields(Problem):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def restated(problem: Problem) -> Problem:
    """State a problem anew from its columns, which must have their types and keep all rules."""
    anew = replace(problem)
    for field in fields(Problem):
        given, checked = getattr(problem, field.name), getattr(anew, field.name)
        assert getattr(given, "dtype", None) == getattr(checked, "dtype", None), field.name
    return anew
