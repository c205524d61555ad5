"""The GPUs that the configuration gives to workers, opened, and their MPS daemons."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from executor.config import Config, GpuSection
from executor.errors import PermanentFailure
from executor.gpu.daemons import Daemons
from executor.gpu.keeper import GpuSettings, Keeper, keepers
from executor.gpu.mps import Share

LOCAL = "local"
"""Name of the worker that runs instances as processes."""


@asynccontextmanager
async def kept_gpus(config: Config) -> AsyncIterator[Mapping[str, Keeper]]:
    """Keep the GPUs of each worker that has any while the context is open.

    Raises
    ------
    RuntimeFailure
        If they are not there, do not answer, or the packages for them are not installed.
    """
    sections = gpu_sections(config)
    if not sections:
        yield {}
        return
    try:
        from executor.gpu.devices import Nvml
    except ImportError as error:
        raise PermanentFailure(
            f"{error}: GPUs are configured; expected `pip install headstart[gpu]`"
        ) from error
    async with AsyncExitStack() as stack:
        nvml = stack.enter_context(Nvml())
        mps = _daemons(config, sections)
        for daemons in mps.values():
            stack.push_async_callback(daemons.close)
            stack.callback(asyncio.ensure_future(daemons.watch()).cancel)
        settings = {worker: _settings(one) for worker, one in sections.items()}
        yield keepers(nvml, settings, mps)


def gpu_sections(config: Config) -> dict[str, GpuSection]:
    """Return what is said of the GPUs of each worker that has any."""
    if config.runtime == "process":
        sections = {LOCAL: config.worker.gpu}
    else:
        sections = {name: engine.gpu for name, engine in config.docker.engines.items()}
    return {worker: one for worker, one in sections.items() if one is not None}


def _settings(section: GpuSection) -> GpuSettings:
    return GpuSettings(section.devices, section.reserve, section.context)


def _daemons(config: Config, sections: Mapping[str, GpuSection]) -> dict[str, Daemons]:
    """Make the daemons of each worker that shall have some; they start when they are needed."""
    folder = config.state.absolute() / "mps"
    return {
        worker: Daemons(Share(one.mps.threads_percent, one.mps.memory), folder / worker, os.environ)
        for worker, one in sections.items()
        if one.mps is not None
    }
