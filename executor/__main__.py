"""``python -m executor``: the command ``headstart`` without its script."""

from executor.cli import app

app(prog_name="headstart")
