"""For handlers: the loop around a module's ``load`` and ``predict``."""

import importlib
import os
import socket
import time
import traceback
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from .frames import Decoder, Frame, pack
from .gpu import to_gpu, to_host
from .messages import Request, decode_request, encode_answer
from .script import spawned_s

_CHUNK_BYTES = 1 << 20
_MOVES = {"gpu": to_gpu, "host": to_host}


def serve(channel: socket.socket, name: str, handler: str) -> None:
    """Import a handler, load its model, then answer requests until the channel closes.

    Parameters
    ----------
    channel
        Connected to the manager; carries frames.
    name
        The function's name, for its answers.
    handler
        The module to import.

    Raises
    ------
    AttributeError
        If the module lacks ``load`` or ``predict``.
    """
    module = importlib.import_module(handler)
    for part in ("load", "predict"):
        if not callable(getattr(module, part, None)):
            raise AttributeError(f"{module.__file__} has no function {part}")
    imported_s = time.monotonic()
    model = module.load()
    loaded_s = time.monotonic()
    report = {"import_s": imported_s - spawned_s(imported_s), "load_s": loaded_s - imported_s}
    channel.sendall(pack({"kind": "ready", **report}))
    decoder = Decoder()
    while data := channel.recv(_CHUNK_BYTES):
        for frame in decoder.feed(data):
            if "tier" in frame.header:
                model, said = _move(frame.header["tier"], module, model)
                channel.sendall(said)
            else:
                for said in _answers(frame, name, module, model):
                    channel.sendall(said)


def _move(tier: str, module: ModuleType, model: Any) -> tuple[Any, bytes]:
    """Move the model by the handler's own ``to_gpu`` or ``to_host``, or as a network of torch."""
    move = getattr(module, f"to_{tier}", _MOVES[tier])
    begun_s = time.monotonic()
    try:
        model = move(model)
    except Exception as error:
        traceback.print_exc()
        return model, pack({"kind": "stayed", "error": f"{type(error).__name__}: {error}"})
    return model, pack({"kind": "moved", "tier": tier, "move_s": time.monotonic() - begun_s})


def _answers(frame: Frame, name: str, module: ModuleType, model: Any) -> Iterator[bytes]:
    """Answer a request; in parts, each sent when it is there, if ``predict`` yields them."""
    size = frame.header["header_size"]
    try:
        request = decode_request(frame.tail[:size], frame.tail[size:])
        outputs = module.predict(model, request)
        if isinstance(outputs, Iterator):
            yield from _parts(outputs, name, request)
        else:
            yield _say("answer", name, outputs, request)
    except Exception as error:
        traceback.print_exc()
        yield pack({"kind": "error", "error": f"{type(error).__name__}: {error}"})


def _parts(outputs: Iterator[Mapping[str, Any]], name: str, request: Request) -> Iterator[bytes]:
    part = None
    for part in outputs:
        yield _say("part", name, part, request)
    if part is None:
        raise ValueError("predict has yielded nothing; expected at least one part")
    yield pack({"kind": "end"})


def _say(kind: str, name: str, outputs: Mapping[str, Any], request: Request) -> bytes:
    header, binary = encode_answer(name, outputs, request)
    return pack({"kind": kind, "header_size": len(header)}, header, binary)


def main() -> None:
    """Serve the handler that the environment names."""
    channel = socket.socket(fileno=int(os.environ.pop("HEADSTART_CHANNEL")))
    serve(channel, os.environ["HEADSTART_FUNCTION"], os.environ["HEADSTART_HANDLER"])
