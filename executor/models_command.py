"""``headstart models``: what is in the model store."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from executor.model_store import ModelError, ModelStore

app = typer.Typer(
    help="Keep model files by their content.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Models = Annotated[Path, typer.Option(help="The folder that the configuration calls models.")]


@app.command()
def add(
    files: Annotated[list[Path], typer.Argument(help="Files to copy into the store.")],
    models: Models = Path("models"),
) -> None:
    """Add files, and print what functions call them."""
    store = ModelStore(models)
    for file in files:
        try:
            reference = store.add(file)
        except ModelError as error:
            _refuse(error)
        typer.echo(f"{reference}  {file}")


@app.command()
def check(models: Models = Path("models")) -> None:
    """Read every file of the store, and print those that are what they are called."""
    store = ModelStore(models)
    for reference in store.references():
        try:
            file = store.check(reference)
        except ModelError as error:
            _refuse(error)
        typer.echo(f"{reference}  {file.stat().st_size}")


def _refuse(error: ModelError) -> None:
    Console(stderr=True).print(f"[red]error:[/red] {escape(str(error))}", soft_wrap=True)
    raise typer.Exit(2) from error
