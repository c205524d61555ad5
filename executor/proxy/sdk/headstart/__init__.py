"""For the authors of functions; standard library only.

A *handler* is a module with ``load() -> model`` and ``predict(model, request) -> outputs``. A
*script* is a program that calls ``load``, ``wait`` and ``answer`` from here, or prints and reads
the same lines of JSON itself. Both get ``Request`` objects, whose ``inputs`` are ``Tensor``
objects by name. ``mapped``, ``to_gpu`` and ``to_host`` are for networks of torch.
"""

from .files import file
from .gpu import to_gpu, to_host
from .messages import Request
from .models import mapped
from .script import answer, load, wait
from .tensors import Tensor

__all__ = [
    "Request",
    "Tensor",
    "answer",
    "file",
    "load",
    "mapped",
    "to_gpu",
    "to_host",
    "wait",
]
