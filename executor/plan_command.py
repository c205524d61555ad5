"""``headstart plan``: solve a problem file."""

from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from solver import TIERS, Plan, SolverError, solve, verify
from solver.files import read_problem
from solver.json_format import format_plan


class Output(StrEnum):
    """How to show a plan."""

    TABLE = "table"
    JSON = "json"


def plan(
    file: Annotated[Path, typer.Argument(help="The problem, a .json or .npz file.")],
    method: Annotated[str, typer.Option(help="How to solve it.")] = "auto",
    deadline_s: Annotated[float, typer.Option(min=0.001, help="Seconds allowed.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same plan.")] = 0,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TABLE,
) -> None:
    """Solve a placement problem and say what should be resident where."""
    try:
        problem = read_problem(file)
        answer = solve(problem, method, deadline_s, seed)
        verify(problem, answer)
    except (SolverError, OSError) as error:
        Console(stderr=True).print(f"[red]error:[/red] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(2) from error
    if output is Output.JSON:
        typer.echo(format_plan(answer))
    else:
        _show(answer, Console())


def _show(answer: Plan, console: Console) -> None:
    console.print(_placements(answer))
    if answer.unplaced:
        console.print(_unplaced(answer))
    proven = "no bound"
    if isfinite(answer.bound):
        proven = f"at most {answer.bound:.6g} s (gap {answer.gap:.2%})"
    console.print(
        f"{answer.method}: {answer.status} in {1000 * answer.solve_s:.1f} ms; "
        f"{answer.objective:.6g} s saved, {proven}; "
        f"{len(answer.loads)} loads, {len(answer.offloads)} offloads",
        highlight=False,
        soft_wrap=True,
    )


def _placements(answer: Plan) -> Table:
    problem = answer.problem
    new = {tuple(row) for row in answer.loads.tolist()}
    table = Table("function", "instance", "tier", "")
    for mode, instance in answer.pairs.tolist():
        table.add_row(
            problem.function_names[problem.mode_function[mode]],
            problem.instance_names[instance],
            TIERS[problem.mode_tier[mode]],
            "load" if (mode, instance) in new else "held",
        )
    return table


def _unplaced(answer: Plan) -> Table:
    table = Table("not placed", "because")
    for function, reason in answer.unplaced:
        table.add_row(answer.problem.function_names[function], reason)
    return table
