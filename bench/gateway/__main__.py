"""``python -m bench.gateway``: print requests a second and latency for a few kinds of request."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import numpy as np
import typer
import uvloop
from rich.console import Console
from rich.table import Table

from bench.gateway.instant import NAME, run_server
from bench.gateway.load import latencies_s
from executor.units import format_bytes

CONNECTIONS = (1, 8, 32)
FLOATS = (1, 1000, 100_000)


def json_request(floats: int) -> bytes:
    """Build an HTTP request with its tensor in JSON."""
    data = ",".join(["0.25"] * floats)
    body = f'{{"inputs":[{{"name":"x","datatype":"FP32","shape":[{floats}],"data":[{data}]}}]}}'
    return _http(body.encode(), "")


def binary_request(floats: int) -> bytes:
    """Build an HTTP request with its tensor as bytes."""
    size = f'{{"binary_data_size":{4 * floats}}}'
    tensor = f'{{"name":"x","datatype":"FP32","shape":[{floats}],"parameters":{size}}}'
    header = f'{{"inputs":[{tensor}]}}'.encode()
    length = f"inference-header-content-length: {len(header)}\r\n"
    return _http(header + bytes(4 * floats), length)


def _http(body: bytes, headers: str) -> bytes:
    head = f"POST /v2/models/{NAME}/infer HTTP/1.1\r\nhost: bench\r\n{headers}"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def server() -> Iterator[int]:
    """Run the server in a process of its own and give its port."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=run_server, args=(sender.send,))
    process.start()
    try:
        yield receiver.recv()
    finally:
        process.terminate()
        process.join()


def main(
    duration_s: Annotated[float, typer.Option(help="Seconds for each row.")] = 3.0,
) -> None:
    """Measure and print."""
    table = Table("request", "body", "connections", "requests/s", "p50 ms", "p99 ms")
    requests = [
        (f"{kind}, {floats} floats", build(floats))
        for kind, build in (("JSON", json_request), ("binary", binary_request))
        for floats in FLOATS
    ]
    with server() as port:
        for label, request in requests:
            for connections in CONNECTIONS:
                taken_s = uvloop.run(latencies_s(port, request, connections, duration_s))
                p50_s, p99_s = np.percentile(taken_s, [50, 99])
                table.add_row(
                    label,
                    format_bytes(len(request)),
                    str(connections),
                    f"{len(taken_s) / duration_s:.0f}",
                    f"{1000 * p50_s:.3f}",
                    f"{1000 * p99_s:.3f}",
                )
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
