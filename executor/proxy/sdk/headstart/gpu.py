"""For functions with torch: the way of a network to a GPU, and back to where it came from."""

from collections.abc import Iterator
from typing import Any, TypeVar

Network = TypeVar("Network")

_HOME = "_headstart_home"


def to_gpu(network: Network) -> Network:
    """Move a network to the GPU; its weights stay known in memory, so that the way back is free.

    Each tensor is copied to pinned memory first, so that the GPU fetches one while the next is
    copied. All have arrived when this returns.

    Raises
    ------
    TypeError
        If it is no network of torch.
    """
    if not hasattr(network, "parameters"):
        raise TypeError(
            f"a {type(network).__name__} is no network of torch; "
            "its handler needs functions to_gpu and to_host of its own"
        )
    import torch

    home = [(tensor, tensor.data) for tensor in _tensors(network)]
    setattr(network, _HOME, home)
    for tensor, data in home:
        tensor.data = data.pin_memory().to("cuda", non_blocking=True)
    torch.cuda.synchronize()
    return network


def to_host(network: Network) -> Network:
    """Take a network off the GPU; weights that were changed there are as they were before.

    The memory goes back to the driver, but for what CUDA keeps as long as the process lives.
    """
    import torch

    for tensor, data in getattr(network, _HOME):
        tensor.data = data
    delattr(network, _HOME)
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    return network


def _tensors(network: Any) -> Iterator[Any]:
    yield from network.parameters()
    yield from network.buffers()
