#!/usr/bin/env bash
# Makes .venv with every package that the project needs; repeatable. Usage: setup.sh PYTHON LOCK
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1 lock=$2

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or newer is needed; $python is $("$python" --version)" >&2
    exit 1
}
if [ ! -x .venv/bin/python ]; then
    echo "== virtual environment in .venv"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
            echo "Python's venv module is missing: apt-get install python3-venv" >&2
            exit 1
        fi
        apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
    fi
    "$python" -m venv .venv
fi
pip=(.venv/bin/python -m pip --disable-pip-version-check --quiet)
echo "== packages (some 600 MB the first time, which takes a few minutes)"
"${pip[@]}" install --upgrade pip
"${pip[@]}" install --requirement "$lock"
"${pip[@]}" install --no-deps --requirement functions/requirements.txt
"${pip[@]}" install --no-deps --editable .
echo "== compiling what predicts and plans (about a minute, once)"
.venv/bin/headstart warm-up
