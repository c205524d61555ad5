"""What a user can mend is told in one line, without a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape


@contextmanager
def told_in_a_line(*kinds: type[Exception]) -> Iterator[None]:
    """End the command with exit status 2 and the message of an error of these kinds."""
    try:
        yield
    except kinds as error:
        Console(stderr=True).print(f"[red]error:[/red] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(2) from error
