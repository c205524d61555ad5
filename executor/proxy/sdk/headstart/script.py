"""For scripts: load the model through ``load``, then ``wait`` for a request on standard input.

Two lines change in a script that loads a model and serves one request::

    import headstart
    model = headstart.load(lambda: make_model())   # was: model = make_model()
    request = headstart.wait()                     # was: request = read it from somewhere
    headstart.answer({"label": model(request.inputs["text"].data)})

``wait`` again to serve another request, or end: then the process is gone and so is its model.
The lines themselves are plain JSON, so that a program in any language can print and read them.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from .messages import Request, decode_request, encode_answer

Model = TypeVar("Model")


def load(make: Callable[[], Model]) -> Model:
    """Make the model and say on standard output that it is ready, with the seconds it took."""
    begun_s = time.monotonic()
    model = make()
    ended_s = time.monotonic()
    _say({"ready": True, "import_s": begun_s - spawned_s(begun_s), "load_s": ended_s - begun_s})
    return model


def wait() -> Request:
    """Say that a request may come, and block until it does; the process ends when none will."""
    _say({"ready": True})
    line = sys.stdin.readline()
    if not line:
        raise SystemExit(0)
    return decode_request(line.encode(), memoryview(b""))


def answer(outputs: Mapping[str, Any], *, more: bool = False) -> None:
    """Print the answer, or with ``more`` a part of it: arrays, lists or strings by name."""
    header, _ = encode_answer("", outputs, Request({}))
    _say({"outputs": json.loads(header)["outputs"], "more": more})


def spawned_s(default_s: float) -> float:
    """When this process was ordered, on the clock ``time.monotonic``, which all share."""
    return float(os.environ.get("HEADSTART_SPAWNED_S", default_s))


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)  # noqa: T201 - the protocol of scripts
