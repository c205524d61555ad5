"""Problem and plan files; the suffix tells the format."""

from pathlib import Path

from solver.errors import InvalidProblem
from solver.json_format import format_plan, format_problem, parse_problem
from solver.npz_format import read_npz, write_npz
from solver.plan import Plan
from solver.problem import Problem


def read_problem(path: Path) -> Problem:
    """Read a problem from a ``.json`` or ``.npz`` file.

    Raises
    ------
    InvalidProblem
        Naming the file, the entry, its value and what was expected.
    OSError
        When the file cannot be opened.
    """
    try:
        return read_npz(path) if _is_npz(path) else parse_problem(path.read_bytes())
    except InvalidProblem as error:
        raise InvalidProblem(f"{path}: {error.name}", error.value, error.expected) from error


def write_problem(problem: Problem, path: Path) -> None:
    """Write a problem to a ``.json`` or ``.npz`` file."""
    if _is_npz(path):
        write_npz(problem, path)
    else:
        path.write_bytes(format_problem(problem))


def write_plan(plan: Plan, path: Path) -> None:
    """Write a plan to a ``.json`` file."""
    path.write_bytes(format_plan(plan))


def _is_npz(path: Path) -> bool:
    if path.suffix not in (".json", ".npz"):
        raise InvalidProblem("file suffix", path.suffix, ".json or .npz")
    return path.suffix == ".npz"
