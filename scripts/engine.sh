#!/usr/bin/env bash
# A Docker engine for tests. `start` prints the address of the one that runs, or of a private one
# that it starts; `stop` ends the private one. The private one takes root on Debian; its images stay
# in var/engine, all else is in a folder below /tmp.
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
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "no Docker engine answers, and only root on Debian can install one here" >&2
        return 1
    fi
    echo "== installing a Docker engine" >&2
    { apt-get update && apt-get install --yes --no-install-recommends docker.io; } >/dev/null
}

launch() {
    if [ "$(id -u)" != 0 ]; then
        echo "no Docker engine answers, and only root can start one" >&2
        return 1
    fi
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

stop() {
    [ -f "$work/pid" ] || return 0
    docker --host "$socket" ps --all --quiet | xargs -r docker --host "$socket" rm --force >/dev/null
    local engine
    engine=$(cat "$work/pid")
    kill "$engine"
    while kill -0 "$engine" 2>/dev/null; do sleep 0.1; done
    rm -rf "$work"
}

case ${1:-} in
    start) running || { install && launch && echo "$socket"; } ;;
    stop) stop ;;
    *) echo "usage: engine.sh start|stop" >&2 && exit 2 ;;
esac
