"""The model repository: which functions there are, and switching them on and off."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from executor.gateway.backend import Backend, FunctionState, FunctionStatus
from executor.gateway.body import read_body
from executor.gateway.errors import ClientError
from executor.gateway.fields import optional_field, read_json_object
from executor.gateway.models import VERSION, find

CONTROL_LIMIT_BYTES = 64 * 1024
"""Size of a request body that carries nothing but a few flags."""


def routes(backend: Backend) -> list[Route]:
    """Return the routes below ``/v2/repository``."""

    async def index(request: Request) -> Response:
        only_ready = optional_field(await _body(request), "ready", bool) or False
        return JSONResponse(
            [
                _line(status)
                for status in backend.index()
                if status.state is FunctionState.READY or not only_ready
            ]
        )

    async def load(request: Request) -> Response:
        parameters = optional_field(await _body(request), "parameters", dict) or {}
        for key in parameters:
            raise ClientError(f"parameters.{key}: a model is loaded as it is on disk")
        await backend.enable(_name(request))
        return JSONResponse({})

    async def unload(request: Request) -> Response:
        await _body(request)
        await backend.disable(_name(request))
        return JSONResponse({})

    def _name(request: Request) -> str:
        return find(backend, request.path_params["model"], None).function.name

    return [
        Route("/v2/repository/index", index, methods=["POST"]),
        Route("/v2/repository/models/{model}/load", load, methods=["POST"]),
        Route("/v2/repository/models/{model}/unload", unload, methods=["POST"]),
    ]


async def _body(request: Request) -> dict[str, Any]:
    """Read the flags of a request, which may have none."""
    headers = dict(request.scope["headers"])
    body = await read_body(request.receive, headers, CONTROL_LIMIT_BYTES)
    return read_json_object(body) if body.strip() else {}


def _line(status: FunctionStatus) -> dict[str, str]:
    return {
        "name": status.name,
        "version": VERSION,
        "state": status.state.value,
        "reason": status.reason,
    }
