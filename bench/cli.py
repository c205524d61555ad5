"""``headstart bench``: the measurements, each a command."""

import typer

from bench.density.cli import app as density
from bench.live.cli import app as live
from bench.predictors.cli import app as predictors
from bench.solver.cli import app as solver

app = typer.Typer(
    help="Measure solvers, predictors, density and live servers.", no_args_is_help=True
)
app.add_typer(solver)
app.add_typer(live)
app.add_typer(density)
app.add_typer(predictors)
