"""Who the server is, and whether it lives and takes calls."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from executor.gateway.backend import Backend
from executor.gateway.in_flight import InFlight

EXTENSIONS = ["binary_tensor_data", "model_repository", "schedule_policy"]
"""Of the protocol's extensions those that are here, by their names in Triton's documents."""


def routes(backend: Backend, in_flight: InFlight, version: str) -> list[Route]:
    """Return the routes for the server as a whole."""

    async def metadata(_: Request) -> Response:
        return JSONResponse({"name": "headstart", "version": version, "extensions": EXTENSIONS})

    async def live(_: Request) -> Response:
        return _verdict("live", backend.alive())

    async def ready(_: Request) -> Response:
        return _verdict("ready", backend.ready() and not in_flight.closing)

    return [
        Route("/v2", metadata),
        Route("/v2/health/live", live),
        Route("/v2/health/ready", ready),
    ]


def _verdict(question: str, answer: bool) -> Response:
    return JSONResponse({question: answer}, 200 if answer else 503)
