"""The gateway put together: inference goes the short way, all else through Starlette."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from executor.clock import Clock
from executor.errors import HeadstartError
from executor.gateway import health, metrics, models, repository
from executor.gateway.backend import Backend
from executor.gateway.body import ClientGone
from executor.gateway.errors import INTERNAL_ERROR, error_body, error_headers, status_of
from executor.gateway.in_flight import InFlight
from executor.gateway.invoke import CLIENT_GONE, Invoke, infer_path


class Gateway:
    """An ASGI application that speaks the Open Inference Protocol for a backend.

    Parameters
    ----------
    backend
        Serves the calls.
    registry
        Where the metrics are registered; ``/metrics`` shows all that is in it.
    clock
        Measures the latency of calls.
    body_limit_bytes
        Largest body of a request, after decompression.
    version
        Of the server, for its metadata.
    """

    def __init__(
        self,
        backend: Backend,
        registry: CollectorRegistry,
        clock: Clock,
        body_limit_bytes: int,
        version: str,
    ) -> None:
        self.in_flight = InFlight()
        self._invoke = Invoke(
            backend, self.in_flight, metrics.CallMetrics(registry), clock, body_limit_bytes
        )
        registry.register(metrics.StatusCollector(backend.snapshot))
        self._others = _starlette(backend, registry, self.in_flight, version)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = infer_path(scope["path"])
        if path is not None:
            await self._invoke(path, scope, receive, send)
        else:
            await self._others(scope, receive, send)


def _starlette(
    backend: Backend, registry: CollectorRegistry, in_flight: InFlight, version: str
) -> Starlette:
    app = Starlette(
        routes=[
            *health.routes(backend, in_flight, version),
            *models.routes(backend),
            *repository.routes(backend),
            *metrics.routes(registry),
        ],
        exception_handlers={
            HeadstartError: _known_error,
            HTTPException: _http_error,
            ClientGone: _nobody,
            Exception: _unknown_error,
        },
    )
    app.router.redirect_slashes = False
    return app


async def _known_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HeadstartError)
    return _error(status_of(error), str(error), error_headers(error))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"{request.method} {request.url.path}: {error.detail}"
    return _error(error.status_code, message, error.headers)


async def _nobody(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


async def _unknown_error(_: Request, __: Exception) -> Response:
    return _error(500, INTERNAL_ERROR, None)


def _error(status: int, message: str, headers: Mapping[str, str] | None) -> Response:
    return Response(error_body(message), status, headers, media_type="application/json")
