"""CUDA's Multi-Process Service (MPS): kernels of several processes at once on a GPU.

A control daemon for each GPU and owner, so that no owner's fault reaches another's functions (a
fatal error of one client ends all clients of its server). Without MPS the driver gives the GPU to
one process after the other, in slices of time.

MPS serves one user of the system at a time: a client of another user waits until all clients of
the first have ended (nvidia-cuda-mps-control(1)). So it is of use where the functions of an owner
share a user, that is without isolation by users.
"""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from executor.errors import TemporaryFailure

PROGRAM = "nvidia-cuda-mps-control"

_ANSWER_TIMEOUT_S = 5.0
_RETRY_S = 1.0
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Share:
    """What an owner's functions may take of a GPU.

    Attributes
    ----------
    threads_percent
        Share of the multiprocessors that each client may use, above 0 and at most 100.
    memory_bytes
        Device memory that each client may allocate.
    """

    threads_percent: float
    memory_bytes: int

    def __post_init__(self) -> None:
        if not 0 < self.threads_percent <= 100:
            raise ValueError(f"threads_percent is {self.threads_percent}; expected 0 to 100")
        if self.memory_bytes < _MIB:
            raise ValueError(f"memory_bytes is {self.memory_bytes}; expected at least {_MIB}")


class MpsDaemon:
    """The control daemon of one GPU and one owner.

    Parameters
    ----------
    gpu
        Name (UUID) of the GPU or of the instance of a partitioned one.
    folder
        For its pipes and logs; made if it is not there.
    environment
        Of the program, which is looked for on its PATH.

    Attributes
    ----------
    pipes
        What clients must be able to reach.
    """

    def __init__(
        self, gpu: str, share: Share, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._gpu = gpu
        self._share = share
        self.pipes, self._logs = folder / "pipes", folder / "logs"
        self._environment = {
            **environment,
            "CUDA_VISIBLE_DEVICES": gpu,
            "CUDA_MPS_PIPE_DIRECTORY": str(self.pipes),
            "CUDA_MPS_LOG_DIRECTORY": str(self._logs),
        }

    async def start(self) -> None:
        """Start it and set the share that servers give to their clients.

        Raises
        ------
        TemporaryFailure
            If it does not start or does not take the settings.
        """
        for folder in (self.pipes, self._logs):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        await self._call(["-d"], "", DEVNULL)
        await self._command(f"set_default_active_thread_percentage {self._share.threads_percent:g}")
        megabytes = self._share.memory_bytes // _MIB
        await self._command(f"set_default_device_pinned_mem_limit 0 {megabytes}M")
        fault = await self.fault()
        if fault:
            raise TemporaryFailure(f"MPS for GPU {self._gpu}: {fault}", _RETRY_S)

    async def fault(self) -> str:
        """Ask for the setting of threads and say what is wrong; empty when all is well."""
        try:
            answer = await self._command("get_default_active_thread_percentage")
        except TemporaryFailure as error:
            return str(error)
        expected = self._share.threads_percent
        with suppress(ValueError):
            if float(answer) == expected:
                return ""
        return f"its share of threads is {answer!r}; expected {expected:g}"

    async def stop(self) -> None:
        """End it and its servers; one that is dead already is stopped."""
        with suppress(TemporaryFailure):
            await self._command("quit -t 0")

    def client_environment(self) -> dict[str, str]:
        """Return what a function's process needs to find it: the device is the only one there."""
        return {
            "CUDA_VISIBLE_DEVICES": self._gpu,
            "CUDA_MPS_PIPE_DIRECTORY": str(self.pipes),
            "CUDA_MPS_LOG_DIRECTORY": str(self._logs),
        }

    async def _command(self, line: str) -> str:
        return await self._call([], f"{line}\n", PIPE)

    async def _call(self, arguments: list[str], text: str, output: int) -> str:
        try:
            process = await asyncio.create_subprocess_exec(
                PROGRAM,
                *arguments,
                stdin=PIPE,
                stdout=output,
                stderr=STDOUT,
                env=self._environment,
            )
        except FileNotFoundError as error:
            raise TemporaryFailure(f"no program {PROGRAM} on the PATH", _RETRY_S) from error
        try:
            answer, _ = await asyncio.wait_for(
                process.communicate(text.encode()), _ANSWER_TIMEOUT_S
            )
        except TimeoutError as error:
            process.kill()
            await process.wait()
            raise TemporaryFailure(
                f"{PROGRAM} has not answered within {_ANSWER_TIMEOUT_S:g} s", _RETRY_S
            ) from error
        said = (answer or b"").decode(errors="replace").strip()
        if process.returncode != 0:
            raise TemporaryFailure(
                f"{PROGRAM} ended with status {process.returncode}: {said}", _RETRY_S
            )
        return said
