"""``python -m bench.replay``."""

from bench.replay.cli import app

app()
