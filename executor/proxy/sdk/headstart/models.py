"""For functions with torch: networks without the detours of an ordinary load, and the way to a GPU.

torch and safetensors are imported where they are used: the function brings them.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from .files import file

Network = TypeVar("Network")


def mapped(make: Callable[[], Network], weights: str) -> Network:
    """Make a network whose weights are those of a safetensors file, ready to predict.

    Nothing is drawn at random only to be thrown away, and nothing is copied: the file is mapped, so
    that a weight comes into memory when it is first used, and once for all who map the file.

    Parameters
    ----------
    weights
        Name of the file, as in ``function.yaml``.

    Raises
    ------
    RuntimeError
        If the file does not hold all that the network has.
    """
    import torch
    from safetensors.torch import load_file

    with _not_collecting():
        with _hollow(torch):
            network: Any = make()
        network.load_state_dict(load_file(file(weights)), assign=True)
    _check_complete(network)
    return network.eval()  # type: ignore[no-any-return]


def _check_complete(network: Any) -> None:
    for kind in (network.named_parameters(), network.named_buffers()):
        for name, tensor in kind:
            if tensor.is_meta:
                raise RuntimeError(f"{name} is not in the file of weights; expected all tensors")


@contextmanager
def _hollow(torch: Any) -> Iterator[None]:
    """Have ``torch.empty`` take no memory and what fills tensors, ``torch.nn.init``, do nothing.

    A device context would do the former too, at a cost for every call of torch, and the latter on
    hollow tensors imports torch's compiler.
    """
    init, empty = torch.nn.init, torch.empty
    fills = {name: one for name, one in vars(init).items() if name[0] != "_" and name[-1] == "_"}
    torch.empty = lambda *shape, **options: empty(*shape, **{**options, "device": "meta"})
    vars(init).update(dict.fromkeys(fills, _untouched))
    try:
        yield
    finally:
        torch.empty = empty
        vars(init).update(fills)


@contextmanager
def _not_collecting() -> Iterator[None]:
    """Keep the collector from walking, over and over, through modules that are all to stay."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _untouched(tensor: Any, *_: Any, **__: Any) -> Any:
    return tensor
