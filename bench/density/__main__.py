"""``python -m bench.density``."""

from bench.density.cli import app

app()
