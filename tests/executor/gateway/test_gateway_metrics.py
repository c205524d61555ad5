import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from executor.actions import Served, Timings
from executor.domain import StartKind
from executor.gateway.metrics import CallMetrics

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("headstart_instances", {"state": "idle"}, 3),
        ("headstart_instances", {"state": "stopping"}, 0),
        ("headstart_resident_functions", {"tier": "host"}, 2),
        ("headstart_resident_functions", {"tier": "gpu"}, 0),
        ("headstart_worker_memory_bytes", {}, 4096),
        ("headstart_instance_limit_bytes", {}, 2048),
        ("headstart_used_memory_bytes", {}, 1024),
        ("headstart_container_memory_bytes", {}, 1536),
        ("headstart_waiting_calls", {}, 5),
        ("headstart_plan_gap_ratio", {}, 0.02),
        ("headstart_loads_total", {}, 11),
        ("headstart_load_failures_total", {}, 1),
        ("headstart_offloads_total", {}, 7),
        ("headstart_solve_seconds_count", {}, 9),
        ("headstart_solve_seconds_sum", {}, 0.45),
        ("headstart_gpu_memory_bytes", {"gpu": "GPU-1", "kind": "ours"}, 20),
        ("headstart_gpu_memory_bytes", {"gpu": "GPU-1", "kind": "reserved"}, 30),
        ("headstart_gpu_memory_bytes", {"gpu": "GPU-1", "kind": "foreign"}, 40),
        ("headstart_gpu_fault", {"gpu": "GPU-1"}, 1),
    ],
)
async def test_a_scrape_shows_the_status(
    client: httpx.AsyncClient, name: str, labels: dict[str, str], value: float
) -> None:
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    samples = [
        sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    assert samples == [value]


async def test_a_scraper_may_ask_for_openmetrics(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_calls_fall_into_buckets() -> None:
    registry = CollectorRegistry()
    metrics = CallMetrics(registry)
    outcome = Served(StartKind.COLD, "i1", Timings(wait_s=0.5, loading_s=2.0, run_s=0.1))
    metrics.served("f", outcome, latency_s=2.6)
    metrics.failed("f", 500)

    def bucket(name: str, bound: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"{name}_bucket", {"function": "f", "le": bound, **labels})

    assert bucket("headstart_request_seconds", "1.0") == 0
    assert bucket("headstart_request_seconds", "3.0") == 1
    assert bucket("headstart_loading_seconds", "1.0", start_kind="cold") == 0
    assert bucket("headstart_loading_seconds", "3.0", start_kind="cold") == 1
    labels = {"function": "f", "status": "500", "start_kind": ""}
    assert registry.get_sample_value("headstart_requests_total", labels) == 1


def test_two_registries_do_not_meet() -> None:
    one, other = CollectorRegistry(), CollectorRegistry()
    CallMetrics(one).failed("f", 500)
    CallMetrics(other)
    labels = {"function": "f", "status": "500", "start_kind": ""}
    assert other.get_sample_value("headstart_requests_total", labels) is None
