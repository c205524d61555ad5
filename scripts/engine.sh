#!/usr/bin/env bash
# A Docker engine with the base image, for tests and trials.
#   engine.sh start        print the address of the engine that runs, or of one started for this
#   engine.sh stop         end the one started for this
#   engine.sh run COMMAND  run a command with DOCKER_HOST set; where there can be no engine,
#                          HEADSTART_NO_DOCKER says why
# Starting one takes root on Debian. Its data stay in var/engine, all else is in a folder below /tmp.
set -euo pipefail
cd "$(dirname "$0")/.."
work=/tmp/headstart-engine-$(pwd | sha256sum | cut -c 1-8)
socket=unix://$work/socket

answers() { docker --host "$1" version >/dev/null 2>&1; }

running() {
    local address
    command -v docker >/dev/null || return 1
    for address in "${DOCKER_HOST:-}" unix:///var/run/docker.sock "$socket"; do
        if [ -n "$address" ] && answers "$address"; then
            echo "$address"
            return 0
        fi
    done
    return 1
}

install() {
    command -v dockerd >/dev/null && return
    if ! command -v apt-get >/dev/null; then
        echo "no Docker engine answers, and only on Debian one can be installed" >&2
        return 1
    fi
    echo "== installing a Docker engine" >&2
    { apt-get update && apt-get install --yes --no-install-recommends docker.io; } >/dev/null 2>&1 || {
        echo "no Docker engine answers, and the package docker.io cannot be installed" >&2
        return 1
    }
}

launch() {
    mkdir -p "$work" var/engine
    setsid dockerd --data-root "$PWD/var/engine" --exec-root "$work/exec" \
        --pidfile "$work/pid" --host "$socket" --bridge none --iptables=false \
        </dev/null >"$work/log" 2>&1 &
    local engine=$!
    for _ in $(seq 300); do
        answers "$socket" && return
        kill -0 "$engine" 2>/dev/null || break
        sleep 0.1
    done
    echo "the Docker engine does not start: $(tail -1 "$work/log")" >&2
    return 1
}

start() {
    running && return
    if [ "$(id -u)" != 0 ]; then
        echo "no Docker engine answers, and only root can start one" >&2
        return 1
    fi
    install && launch && echo "$socket"
}

stop() {
    [ -f "$work/pid" ] || return 0
    docker --host "$socket" ps --all --quiet | xargs -r docker --host "$socket" rm --force >/dev/null
    local engine
    engine=$(cat "$work/pid")
    kill "$engine"
    while kill -0 "$engine" 2>/dev/null; do sleep 0.1; done
    rm -rf "$work"
}

run() {
    mkdir -p var
    exec 9>"var/engine.lock"
    flock --shared 9
    trap 'flock --exclusive --nonblock 9 && stop 9>&-' EXIT
    local address problem=var/engine.problem
    exec 8>"var/engine.start" && flock 8
    if address=$(start 2>"$problem" 8>&- 9>&-) &&
        DOCKER_HOST=$address executor/runtimes/image/build.sh var/image 2>>"$problem" 8>&- 9>&-; then
        export DOCKER_HOST=$address
    else
        HEADSTART_NO_DOCKER=$(tail -1 "$problem")
        export HEADSTART_NO_DOCKER
        echo "without Docker: $HEADSTART_NO_DOCKER" >&2
    fi
    rm -f "$problem"
    exec 8>&-
    "$@" 9>&-
}

case ${1:-} in
    start) start ;;
    stop) stop ;;
    run) shift && run "$@" ;;
    *) echo "usage: engine.sh start | stop | run COMMAND" >&2 && exit 2 ;;
esac
