"""What Prometheus scrapes: calls as the gateway saw them, and the backend's status."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from executor.actions import Served
from executor.domain import InstanceState, Tier
from executor.gateway.backend import Status

SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Bucket bounds from an inference on a resident model to a cold start of a large one."""


class CallMetrics:
    """Counters and histograms of calls, registered with ``registry``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "headstart_requests",
            "Inference requests; 499 is a client that went away.",
            ["function", "status", "start_kind"],
            registry=registry,
        )
        self._latency = Histogram(
            "headstart_request_seconds",
            "From the request to its answer, those that were served.",
            ["function"],
            registry=registry,
            buckets=SECONDS,
        )
        self._loading = Histogram(
            "headstart_loading_seconds",
            "From the choice of an instance to the start of inference.",
            ["function", "start_kind"],
            registry=registry,
            buckets=SECONDS,
        )

    def served(self, function: str, outcome: Served, latency_s: float) -> None:
        """Count a call that was answered."""
        kind = outcome.start_kind.value
        self._calls.labels(function, "200", kind).inc()
        self._latency.labels(function).observe(latency_s)
        self._loading.labels(function, kind).observe(outcome.timings.loading_s)

    def failed(self, function: str, status: int) -> None:
        """Count a call that was not; ``function`` is empty when there is none of its name."""
        self._calls.labels(function, str(status), "").inc()


class StatusCollector(Collector):
    """Reads the backend's status when it is scraped."""

    def __init__(self, snapshot: Callable[[], Status]) -> None:
        self._snapshot = snapshot

    def describe(self) -> list[Metric]:
        """Return no names, so that registering does not ask for a status."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Return the metrics of this moment."""
        status = self._snapshot()
        yield from _places(status)
        yield from _gauges(status)
        yield from _gpus(status)
        yield from _counters(status)
        yield SummaryMetricFamily(
            "headstart_solve_seconds",
            "Time that plans took.",
            count_value=status.plans,
            sum_value=status.solve_s,
        )


def _places(status: Status) -> Iterator[Metric]:
    instances = GaugeMetricFamily("headstart_instances", "Instances by state.", labels=["state"])
    for state in InstanceState:
        instances.add_metric([state.value], status.instances.get(state, 0))
    yield instances
    residents = GaugeMetricFamily(
        "headstart_resident_functions", "Functions loaded and ready, by tier.", labels=["tier"]
    )
    for tier in Tier:
        residents.add_metric([tier.value], status.residents.get(tier, 0))
    yield residents


def _gauges(status: Status) -> Iterator[Metric]:
    gauges = (
        ("worker_memory_bytes", "Memory for instances.", status.worker_memory_bytes),
        (
            "instance_limit_bytes",
            "Memory that instances' limits claim.",
            status.instance_limit_bytes,
        ),
        ("used_memory_bytes", "Memory that instances hold.", status.used_memory_bytes),
        (
            "container_memory_bytes",
            "Memory of containers here, by their control groups.",
            status.container_memory_bytes,
        ),
        ("waiting_calls", "Calls that have no instance yet.", status.waiting_calls),
        ("plan_gap_ratio", "Optimality gap of the latest plan.", status.gap_ratio),
    )
    for name, text, value in gauges:
        if value is not None:
            yield GaugeMetricFamily(f"headstart_{name}", text, value=value)


def _gpus(status: Status) -> Iterator[Metric]:
    memory = GaugeMetricFamily(
        "headstart_gpu_memory_bytes",
        "Memory of GPUs: in all, seen to be held by functions or other programs, reserved for "
        "functions, and free for them.",
        labels=["gpu", "kind"],
    )
    faults = GaugeMetricFamily(
        "headstart_gpu_fault", "1 for a GPU on which nothing is loaded.", labels=["gpu"]
    )
    for gpu, account in status.gpus.items():
        for kind in ("total", "ours", "foreign", "reserved", "free"):
            memory.add_metric([gpu, kind], getattr(account, f"{kind}_bytes"))
        faults.add_metric([gpu], float(bool(account.fault)))
    yield memory
    yield faults


def _counters(status: Status) -> Iterator[Metric]:
    counters = (
        ("loads", "Pre-loads done.", status.loads),
        ("load_failures", "Pre-loads that failed.", status.load_failures),
        ("offloads", "Residencies taken away.", status.offloads),
        ("mps_restarts", "MPS daemons at fault, started anew.", status.mps_restarts),
    )
    for name, text, value in counters:
        yield CounterMetricFamily(f"headstart_{name}", text, value=value)


def routes(registry: CollectorRegistry) -> list[Route]:
    """Return the route that Prometheus scrapes."""

    async def scrape(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    return [Route("/metrics", scrape)]
