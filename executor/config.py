"""The server's configuration file, read and validated once."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from executor.errors import ConfigError
from executor.units import GIB, MIB, parse_bytes
from executor.validation import read_yaml, validate

Size = Annotated[
    int, BeforeValidator(parse_bytes), Field(gt=0, description="a size such as 512MiB")
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MpsSection(_Section):
    """CUDA MPS: what each process of a function may take of a GPU."""

    threads_percent: Annotated[float, Field(gt=0, le=100)] = 100.0
    memory: Size


class GpuSection(_Section):
    """The GPUs that functions may use: ``devices`` by UUID, or all.

    ``reserve`` is kept free on each; ``context`` is what CUDA keeps for a process that has left.
    """

    devices: Annotated[
        tuple[str, ...] | None, Field(min_length=1, description="a list of UUIDs")
    ] = None
    reserve: Size = 512 * MIB
    context: Size = 512 * MIB
    mps: MpsSection | None = None


class WorkerSection(_Section):
    """The memory that all instances share, what each keeps free, and the GPUs."""

    memory: Size = 4 * GIB
    instance_reserve: Size = 16 * MIB
    gpu: GpuSection | None = None


class EngineSection(_Section):
    """A Docker engine: memory and GPUs for all its containers; ``tls``: folder of certificates."""

    url: Annotated[
        str,
        Field(
            pattern=r"^(unix|ssh|tcp)://.",
            description="unix:///path, ssh://user@host or tcp://host:port",
        ),
    ] = "unix:///var/run/docker.sock"
    memory: Size = 4 * GIB
    tls: Path | None = None
    gpu: GpuSection | None = None

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        if self.url.startswith("tcp://") and self.tls is None:
            raise ValueError("a tcp engine with tls: a folder of ca.pem, cert.pem and key.pem")
        return self

    @model_validator(mode="after")
    def _check_gpu(self) -> Self:
        if self.gpu is not None and not self.url.startswith("unix://"):
            raise ValueError("gpu with a unix engine only: GPUs are measured on this machine")
        return self


class DockerSection(_Section):
    """The engines by name, what containers are made from, and how many processors they may use."""

    engines: Annotated[dict[str, EngineSection], Field(min_length=1)] = {"local": EngineSection()}
    image: str = "headstart-base"
    cpus: PositiveFloat | None = None


class KeepAliveSection(_Section):
    """The pre-warming policy; ``idle_s`` is for ``fixed``, ``seed`` for what ``pagurus`` draws."""

    policy: Literal[
        "fixed",
        "openwhisk",
        "histogram",
        "faascache",
        "pagurus",
        "azure_premium",
        "none",
        "always_on",
    ] = "fixed"
    idle_s: PositiveFloat = 600.0
    seed: int = 0


class ArrivalSection(_Section):
    """The arrival predictor; ``window_s`` is what ``poisson`` looks back."""

    predictor: Literal[
        "mixture", "poisson", "ewma", "histogram", "renewal", "seasonal", "neural"
    ] = "mixture"
    window_s: PositiveFloat = 600.0


class PlanSection(_Section):
    """Pre-loading: how far ahead, how often, how many loads at once, and the solver."""

    enabled: bool = True
    horizon_s: PositiveFloat = 10.0
    period_s: PositiveFloat = 1.0
    rest_s: NonNegativeFloat = 0.0
    patience_s: NonNegativeFloat = 0.0
    loads_at_once: PositiveInt = 1
    method: str = "auto"
    deadline_s: PositiveFloat = 0.05


class ServeSection(_Section):
    """How calls are served."""

    queue_limit: PositiveInt = 1000
    warm_keeps_model: bool = True


class GatewaySection(_Section):
    """Where to listen."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    max_body: Size = 64 * MIB


class Config(_Section):
    """All of the file; paths are relative to it."""

    functions: Annotated[Path, Field(description="the path of the folder of functions")]
    models: Path = Path("models")
    state: Path = Path("state")
    python: Path | None = None
    isolate: bool = True
    share_libraries: bool = True
    grace_s: NonNegativeFloat = 30.0
    snapshots: bool = False
    runtime: Literal["process", "docker"] = "process"
    worker: WorkerSection = WorkerSection()
    docker: DockerSection = DockerSection()
    keep_alive: KeepAliveSection = KeepAliveSection()
    arrivals: ArrivalSection = ArrivalSection()
    plan: PlanSection = PlanSection()
    serve: ServeSection = ServeSection()
    gateway: GatewaySection = GatewaySection()


def read_config(file: Path) -> Config:
    """Read a configuration file.

    Raises
    ------
    ConfigError
        Naming file, key, value and what was expected.
    """
    config = validate(Config, read_yaml(file), file)
    if config.snapshots and (config.runtime != "process" or not config.isolate):
        raise ConfigError(file, "snapshots", True, "runtime: process and isolate: true beside it")
    if config.snapshots and config.worker.gpu is not None:
        raise ConfigError(file, "snapshots", True, "no worker.gpu beside it: one holds for one GPU")
    _check_mps(config, file)
    _check_engines(config.docker, file)
    base = file.resolve().parent
    paths = {name: base / getattr(config, name) for name in ("functions", "models", "state")}
    python = base / config.python if config.python is not None else None
    if python is not None and not python.is_file():
        raise ConfigError(file, "python", str(config.python), f"an interpreter; {python} is none")
    return config.model_copy(
        update={**paths, "python": python, "docker": _with_paths(config.docker, base)}
    )


def _check_mps(config: Config, file: Path) -> None:
    """MPS serves one user of the system at a time; others wait until its clients have ended."""
    sections = [config.worker.gpu, *(engine.gpu for engine in config.docker.engines.values())]
    if config.isolate and any(one is not None and one.mps is not None for one in sections):
        raise ConfigError(file, "isolate", config.isolate, "false with mps: it serves one user")


def _check_engines(docker: DockerSection, file: Path) -> None:
    """Refuse an engine with two names, whose containers each would take for lost ones."""
    names: dict[str, str] = {}
    for name, engine in docker.engines.items():
        other = names.setdefault(engine.url, name)
        if other != name:
            key = f"docker.engines.{name}.url"
            raise ConfigError(file, key, engine.url, f"another engine than that of {other}")


def _with_paths(docker: DockerSection, base: Path) -> DockerSection:
    engines = {
        name: engine.model_copy(update={"tls": base / engine.tls}) if engine.tls else engine
        for name, engine in docker.engines.items()
    }
    return docker.model_copy(update={"engines": engines})
