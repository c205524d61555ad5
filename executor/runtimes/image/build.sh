#!/usr/bin/env bash
# Builds the base image of instances without a registry and gives it to the engine of DOCKER_HOST.
# Usage: build.sh CACHE [IMAGE]; takes root and debootstrap, and half a minute the first time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$1 image=${2:-headstart-base}
suite=bookworm
packages=python3,python3-venv,libpython3.11-stdlib,ca-certificates

recipe=$(sha256sum "$here/build.sh" | cut -c 1-12)
archive=$cache/$recipe.tar
if made_by=$(docker image inspect --format '{{.Comment}}' "$image" 2>/dev/null); then
    case $made_by in
        "recipe $recipe") exit 0 ;;
        recipe*) ;;
        *) exit 0 ;; # built by hand, from the Dockerfile for example
    esac
fi

if [ ! -f "$archive" ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "building the base image takes root; or: docker build --tag $image $here" >&2
        exit 1
    fi
    command -v debootstrap >/dev/null || {
        { apt-get update && apt-get install --yes debootstrap; } >/dev/null 2>&1
    } || {
        echo "building the base image takes the package debootstrap" >&2
        exit 1
    }
    echo "== base image from Debian's packages" >&2
    mkdir -p "$cache"
    root=$(mktemp -d "$cache/root.XXXXXX")
    trap 'rm -rf "$root"' EXIT
    debootstrap --variant=minbase --include="$packages" "$suite" "$root" >"$cache/log" 2>&1 || {
        tail -5 "$cache/log" >&2
        exit 1
    }
    chroot "$root" python3 -m venv --without-pip /opt/headstart/environment
    mkdir -p "$root/opt/headstart/executor/proxy"
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,locale,man}
    tar --directory "$root" --numeric-owner --create --file "$archive.part" .
    mv "$archive.part" "$archive"
fi
docker import --message "recipe $recipe" --change 'CMD ["python3"]' "$archive" "$image" >/dev/null
