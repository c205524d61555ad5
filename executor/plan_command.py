"""``headstart plan``: solve a problem file."""

from collections.abc import Iterator
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from solver import TIERS, Plan, SolverError, solve, verify
from solver.explain import Explanation, Option
from solver.explain import explain as explain_function
from solver.files import read_problem
from solver.json_format import format_plan

SHOWN_OPTIONS = 3
"""Options shown for each explained function, the nearest to being worth it first."""


class Output(StrEnum):
    """How to show a plan."""

    TABLE = "table"
    JSON = "json"


def plan(
    file: Annotated[Path, typer.Argument(help="The problem, a .json or .npz file.")],
    method: Annotated[str, typer.Option(help="How to solve it.")] = "auto",
    deadline_s: Annotated[float, typer.Option(min=0.001, help="Seconds allowed.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same plan.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Cores for auto and price.")] = 1,
    explain: Annotated[
        list[str] | None, typer.Option(help="Say why this function is where it is, or nowhere.")
    ] = None,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TABLE,
) -> None:
    """Solve a placement problem and say what should be resident where."""
    try:
        problem = read_problem(file)
        answer = solve(problem, method, deadline_s, seed, threads=threads)
        verify(problem, answer)
        explanations = [explain_function(answer, name) for name in explain or ()]
    except (SolverError, OSError) as error:
        Console(stderr=True).print(f"[red]error:[/red] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(2) from error
    if output is Output.JSON:
        typer.echo(format_plan(answer, explanations))
        return
    console = Console()
    _show(answer, console)
    for explanation in explanations:
        for line in explained(explanation):
            console.print(line, highlight=False, markup=False, soft_wrap=True)


def explained(explanation: Explanation) -> Iterator[str]:
    """Say an explanation in sentences, one a line."""
    name = explanation.function
    for placed in explanation.placed:
        where = placed.residency
        yield (
            f"{name} is in {where.instance} ({where.tier}), "
            f"{'held already' if placed.held else 'a new load'}: it saves {placed.saves_s:.4g} s "
            f"there, and its memory is worth {placed.pays_s:.4g} s to others."
        )
    if explanation.reason is not None:
        yield f"{name} is not placed: {explanation.reason}."
    for option in explanation.options[:SHOWN_OPTIONS]:
        yield f"{name} in {option.residency.instance} ({option.residency.tier}) {_would(option)}"


def _would(option: Option) -> str:
    saves = f"would save {option.saves_s:.4g} s"
    price = f"a MiB there is worth {option.memory_price_s_per_mib:.3g} s"
    if option.gpu_memory_price_s_per_mib:
        price += f", one of the GPU's {option.gpu_memory_price_s_per_mib:.3g} s"
    if option.displaced is None:
        return f"{saves}, but pinned residencies leave no room; {price}."
    if not option.displaced:
        return f"{saves}, and fits beside the others; {price}."
    others = ", ".join(f"{one.function} in {one.instance}" for one in option.displaced)
    return (
        f"{saves}, and would displace {others}, which save {option.loss_s:.4g} s: "
        f"{option.short_s:.4g} s short; {price}."
    )


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
