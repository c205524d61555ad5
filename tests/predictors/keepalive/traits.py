"""Functions for the tests of policies."""

from predictors.keepalive.protocol import FunctionTraits


def traits(
    memory_bytes: int = 1 << 30, start_s: float = 2.0, packages: str = "torch"
) -> FunctionTraits:
    return FunctionTraits(memory_bytes, start_s, "python", frozenset(packages.split()))
