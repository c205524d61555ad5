"""What there is to know of a model: its metadata, and whether it is ready."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from executor.errors import UnknownFunction
from executor.functions import Package, TensorSpec
from executor.gateway.backend import Backend, FunctionState

VERSION = "1"
"""The protocol has versions of models; here a function is the one version of itself."""


def find(backend: Backend, model: str, version: str | None) -> Package:
    """Return the package that a path names.

    Raises
    ------
    UnknownFunction
        When there is no such model or version.
    """
    package = backend.packages().get(model)
    if package is None:
        raise UnknownFunction(f"there is no model {model!r}")
    if version not in (None, VERSION):
        raise UnknownFunction(f"model {model!r} has no version {version!r}; expected {VERSION!r}")
    return package


def routes(backend: Backend) -> list[Route]:
    """Return the routes below ``/v2/models``, but for inference."""

    def named(request: Request) -> Package:
        return find(backend, request.path_params["model"], request.path_params.get("version"))

    async def metadata(request: Request) -> Response:
        return JSONResponse(_metadata(named(request)))

    async def ready(request: Request) -> Response:
        name = named(request).function.name
        states = {status.name: status.state for status in backend.index()}
        is_ready = states.get(name) is FunctionState.READY
        return JSONResponse({"name": name, "ready": is_ready}, 200 if is_ready else 503)

    bases = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
    return [
        route for base in bases for route in (Route(base, metadata), Route(f"{base}/ready", ready))
    ]


def _metadata(package: Package) -> dict[str, object]:
    return {
        "name": package.function.name,
        "versions": [VERSION],
        "platform": f"headstart_{package.style.value}",
        "inputs": [_tensor(spec) for spec in package.inputs],
        "outputs": [_tensor(spec) for spec in package.outputs],
    }


def _tensor(spec: TensorSpec) -> dict[str, object]:
    return {"name": spec.name, "datatype": spec.datatype, "shape": list(spec.shape)}
