"""``headstart bench``: the measurements, each a command that is imported when it is named."""

import pkgutil
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

COMMANDS = {
    "density": "bench.density.cli:density",
    "live": "bench.live.cli:live",
    "predictors": "bench.predictors.cli:predictors",
    "solver": "bench.solver.cli:solver",
    "solver-gap": "bench.solver.cli:solver_gap",
    "solver-ticks": "bench.solver.cli:solver_ticks",
    "train-predictor": "bench.predictors.cli:train_predictor",
}


class Measurements(TyperGroup):
    """Commands by name; one whose packages are not installed says so, and hinders no other."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's signature
        """Name all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - typer's signature
        """Return a command, importing it; None when there is none."""
        if cmd_name not in COMMANDS:
            return None
        one = typer.Typer(pretty_exceptions_enable=False)
        try:
            one.command(cmd_name)(pkgutil.resolve_name(COMMANDS[cmd_name]))
        except ModuleNotFoundError as missing:
            lack = f"{missing.name} is not installed; the extra demo brings it"
            one.command(cmd_name, context_settings={"ignore_unknown_options": True})(_refusal(lack))
        return typer.main.get_command(one)


def _refusal(lack: str) -> Callable[..., None]:
    def refuse(_: Annotated[list[str] | None, typer.Argument(hidden=True)] = None) -> None:
        Console(stderr=True).print(f"[red]error:[/red] {lack}", soft_wrap=True)
        raise typer.Exit(2)

    refuse.__doc__ = f"Not here: {lack}."
    return refuse


app = typer.Typer(
    cls=Measurements,
    help="Measure solvers, predictors, density and live servers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def bench() -> None:
    """Measure solvers, predictors, density and live servers."""
