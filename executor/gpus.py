"""The GPUs that the configuration gives to workers, opened."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from executor.config import Config, GpuSection
from executor.errors import PermanentFailure
from executor.gpu.keeper import GpuSettings, Keeper, keepers

LOCAL = "local"
"""Name of the worker that runs instances as processes."""


@contextmanager
def kept_gpus(config: Config) -> Iterator[Mapping[str, Keeper]]:
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
    with Nvml() as nvml:
        yield keepers(nvml, {worker: _settings(one) for worker, one in sections.items()})


def gpu_sections(config: Config) -> dict[str, GpuSection]:
    """Return what is said of the GPUs of each worker that has any."""
    if config.runtime == "process":
        sections = {LOCAL: config.worker.gpu}
    else:
        sections = {name: engine.gpu for name, engine in config.docker.engines.items()}
    return {worker: one for worker, one in sections.items() if one is not None}


def _settings(section: GpuSection) -> GpuSettings:
    return GpuSettings(section.devices, section.reserve, section.context)
