"""``headstart bench``: the measurements, each a command."""

import typer

from bench.live.cli import app as live
from bench.predictors.cli import app as predictors
from bench.solver.cli import app as solver

app = typer.Typer(help="Measure solvers, predictors and live servers.", no_args_is_help=True)
app.add_typer(solver)
app.add_typer(live)
app.add_typer(predictors)
