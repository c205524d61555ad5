"""The command ``headstart``; measurements add their own commands through an entry point."""

import asyncio
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console
from typer.core import TyperGroup

from executor import models_command
from executor.clock import since_midnight
from executor.config import ArrivalSection, PlanSection, read_config
from executor.errors import ConfigError, RuntimeFailure
from executor.gpus import gpu_sections
from executor.plan_command import plan
from executor.proxy.cells import detect
from executor.server import Address, run, warm_up

COMMANDS_GROUP = "headstart.commands"
"""Entry points of this group name further commands, each a typer application."""


class LazyCommands(TyperGroup):
    """Our commands and those of the entry points, which are imported only when they are called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Name all commands."""
        return [*super().list_commands(ctx), *entry_points(group=COMMANDS_GROUP).names]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, importing it where that is needed; None when there is none."""
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            return found
        for entry in entry_points(group=COMMANDS_GROUP, name=cmd_name):
            command = typer.main.get_command(entry.load())
            command.name = cmd_name
            return command
        return None


app = typer.Typer(
    cls=LazyCommands,
    help="Opportunistic pre-loading for serverless ML inference.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


app.command()(plan)
app.add_typer(models_command.app, name="models")


@app.callback()
def headstart() -> None:
    """Opportunistic pre-loading for serverless ML inference."""


@app.command()
def serve(
    config: Annotated[Path, typer.Argument(help="The server's configuration file.")],
) -> None:
    """Serve functions over the Open Inference Protocol, pre-loading into idle instances."""
    console = Console()

    def on_ready(address: Address) -> None:
        console.print(f"headstart listens on {address.url}", highlight=False, soft_wrap=True)

    try:
        settings = read_config(config)
        shortfall = detect(0, wanted=settings.isolate).reason
        if shortfall:
            Console(stderr=True).print(f"isolation between functions is off: {shortfall}")
        if any(one.mps is None for one in gpu_sections(settings).values()):
            Console(stderr=True).print("GPUs are shared in slices of time: there is no mps section")
        uvloop.run(run(settings, since_midnight(), on_ready))
    except (ConfigError, RuntimeFailure) as error:
        Console(stderr=True).print(f"[red]error:[/red] {error}", soft_wrap=True)
        raise typer.Exit(2) from error
    except asyncio.CancelledError:
        raise typer.Exit(1) from None


@app.command("warm-up")
def warm_up_command() -> None:
    """Compile what predicts and plans, which the first start of a server does otherwise."""
    warm_up(ArrivalSection(), PlanSection())
