#!/usr/bin/env bash
# Runs linters, types, import layers and tests. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"

echo "== ruff"
ruff check .
ruff format --check --quiet .
echo "== import layers"
lint-imports --no-cache | tail -1
echo "== mypy"
mypy
echo "== pytest"
scripts/engine.sh run pytest --numprocesses 2 "$@"
