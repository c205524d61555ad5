"""What is tried on a real GPU, in a process of its own: others may have loaded a stand-in for NVML.

Prints ``ok``, or why it cannot be tried here.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from executor import events as ev
from executor.actions import Offload
from executor.domain import Tier
from executor.gpu.devices import Nvml
from executor.gpu.keeper import GpuSettings, Keeper, keepers
from executor.gpu.usage import NoDriver
from executor.units import GIB, MIB
from tests.executor.gpu.fakes import NETWORK, for_gpu
from tests.executor.runtimes.worlds import World, handler, world

NETWORK_MIB = 64
CONTEXT_MIB = 1024


def tried() -> str:
    """Try it, and say what came of it."""
    import torch

    if not torch.cuda.is_available():
        return "torch sees no GPU"
    try:
        with Nvml() as nvml, tempfile.TemporaryDirectory() as folder:
            settings = GpuSettings(context_bytes=CONTEXT_MIB * MIB)
            keeper = keepers(nvml, {"w": settings}, {})["w"]
            asyncio.run(there_and_back(Path(folder), keeper))
    except NoDriver as error:
        return str(error)
    return "ok"


async def there_and_back(folder: Path, keeper: Keeper) -> None:
    """Have a network go to the GPU and back, and look at what the driver says of it."""
    limit_bytes = 16 * GIB
    package = handler("f", folder, NETWORK, memory_limit_bytes=limit_bytes)
    packages = [for_gpu(package, CONTEXT_MIB + NETWORK_MIB)]
    gpu = keeper.gpus[0]
    made = world(packages, folder / "state", isolate=False, gpus={"w": keeper})
    async with made as here:
        await here.start(limit_bytes=limit_bytes, gpu=gpu)
        await here.load("f", Tier.GPU)
        there_bytes = keeper.accounts()[gpu].ours_bytes
        assert there_bytes > NETWORK_MIB * MIB, there_bytes
        assert await device(here, Tier.GPU) == "cuda:0"
        await here.load("f", Tier.HOST)
        back_bytes = keeper.accounts()[gpu].ours_bytes
        assert back_bytes <= there_bytes - NETWORK_MIB * MIB, back_bytes
        assert await device(here, Tier.HOST) == "cpu"
        assert await device(here, Tier.GPU) == "cuda:0"
        here.submit(Offload("i1", "f"))
        await here.expect(ev.Offloaded)
        assert keeper.accounts()[gpu].ours_bytes == 0


async def device(here: World, tier: Tier) -> str:
    """Call the function and return on which device it says its weights are."""
    here.run("f", tier=tier)
    await here.expect(ev.Started)
    await here.expect(ev.Completed)
    answer = here.calls.close("c1")
    assert answer is not None
    return answer.header.decode().split('"data": ["')[1].split('"')[0]


if __name__ == "__main__":
    sys.stdout.write(f"{tried()}\n")
