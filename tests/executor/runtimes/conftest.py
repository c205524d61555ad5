"""What tests of functions at work ask for: a runtime of each kind."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import pytest

from tests.executor.runtimes import containers, worlds
from tests.executor.runtimes.worlds import World

Way: TypeAlias = Callable[..., AbstractAsyncContextManager[World]]
"""Makes a world from functions and a folder, in processes or in containers."""


@pytest.fixture(
    params=[
        pytest.param(worlds.world, id="process"),
        pytest.param(containers.world, id="docker", marks=pytest.mark.docker),
    ]
)
def way(request: pytest.FixtureRequest) -> Way:
    made: Way = request.param
    return made
