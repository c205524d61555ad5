"""Instances as Docker containers, on one engine or several."""

from executor.runtimes.docker.engine import Address
from executor.runtimes.docker.runtime import DockerRuntime

__all__ = ["Address", "DockerRuntime"]
