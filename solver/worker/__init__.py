"""Solving in a child process that can be killed."""

from solver.worker.channel import ChannelBroken
from solver.worker.handle import Worker

__all__ = ["ChannelBroken", "Worker"]
