#!/usr/bin/env bash
# Builds a wheel in which the controller is C, made by mypyc from the same sources. Usage: wheel.sh OUT
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
out=$(realpath -m "$1")
python=$root/.venv/bin/python

command -v cc >/dev/null || {
    echo "A C compiler is needed: apt-get install gcc" >&2
    exit 1
}
"$python" -c 'import pathlib, sysconfig as s, sys
sys.exit(not pathlib.Path(s.get_path("include"), "Python.h").exists())' || {
    echo "Python's headers are missing: apt-get install python3-dev" >&2
    exit 1
}
# mypyc leaves what it compiles beside the sources, where it would be imported in their place.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R "$root"/{solver,predictors,executor,bench,pyproject.toml,README.md,LICENSE} "$copy"
echo "== compiling the controller (about a minute)"
HATCH_BUILD_HOOK_ENABLE_MYPYC=1 "$python" -m pip --disable-pip-version-check --quiet \
    wheel --no-build-isolation --no-deps --wheel-dir "$out" "$copy"
echo "== $(ls -t "$out"/headstart-*.whl | head -1)"
