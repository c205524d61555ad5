from pathlib import Path
from typing import get_args

import pytest

from executor.choices import POLICIES, PREDICTORS
from executor.config import (
    ArrivalSection,
    GpuSection,
    KeepAliveSection,
    MpsSection,
    read_config,
)
from executor.errors import ConfigError
from executor.units import GIB, MIB


def write(folder: Path, text: str) -> Path:
    file = folder / "headstart.yaml"
    file.write_text(text)
    return file


def test_paths_are_relative_to_the_file_and_sizes_are_bytes(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, "functions: f\nworker: {memory: 2GiB}\n"))
    assert config.functions == tmp_path / "f"
    assert config.state == tmp_path / "state"
    assert config.worker.memory == 2 * GIB
    assert config.worker.instance_reserve == 16 * MIB


def test_certificates_of_engines_are_found_beside_the_file(tmp_path: Path) -> None:
    text = "functions: f\ndocker: {engines: {far: {url: 'tcp://h:1', tls: certificates}}}\n"
    config = read_config(write(tmp_path, text))
    assert config.docker.engines["far"].tls == tmp_path / "certificates"


def test_gpus_are_all_or_those_named_and_mps_is_off_unless_it_is_asked_for(tmp_path: Path) -> None:
    engine = "{gpu: {devices: [GPU-1], mps: {memory: 2GiB}}}"
    docker = f"docker: {{engines: {{a: {engine}}}}}"
    config = read_config(
        write(tmp_path, f"functions: f\nisolate: false\nworker: {{gpu: {{}}}}\n{docker}")
    )
    assert config.worker.gpu == GpuSection(devices=None, mps=None)
    (engine_gpu,) = (one.gpu for one in config.docker.engines.values())
    assert engine_gpu == GpuSection(devices=("GPU-1",), mps=MpsSection(memory=2 * GIB))


def test_the_shipped_file_is_valid() -> None:
    config = read_config(Path(__file__).parents[2] / "headstart.yaml")
    assert config.plan.enabled


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("{}", "functions", "path"),
        ("functions: f\nworkr: {}", "workr", "'worker'"),
        ("functions: f\npython: nowhere", "python", "an interpreter; "),
        ("functions: f\nplan: {horizon: 5}", "plan.horizon", "'horizon_s'"),
        ("functions: f\nworker: {memory: lots}", "worker.memory", "size such as 512MiB"),
        ("functions: f\ngateway: {port: 70000}", "gateway.port", "65535"),
        ("functions: f\nruntime: podman", "runtime", "'docker'"),
        ("functions: f\ndocker: {engines: {}}", "docker.engines", "at least 1 item"),
        (
            "functions: f\ndocker: {engines: {a: {url: 'ssh://h'}, b: {url: 'ssh://h'}}}",
            "docker.engines.b.url",
            "another engine than that of a",
        ),
        ("functions: f\ndocker: {engines: {a: {url: far}}}", "docker.engines.a.url", "ssh://"),
        ("functions: f\ndocker: {engines: {a: {url: 'tcp://h:1'}}}", "docker.engines.a", "ca.pem"),
        ("functions: f\nkeep_alive: {policy: magic}", "keep_alive.policy", "'fixed'"),
        ("functions: f\nworker: {gpu: {reserv: 1GiB}}", "worker.gpu.reserv", "'reserve'"),
        ("functions: f\nworker: {gpu: {devices: []}}", "worker.gpu.devices", "list of UUIDs"),
        ("functions: f\nworker: {gpu: {devices: all}}", "worker.gpu.devices", "list of UUIDs"),
        ("functions: f\nworker: {gpu: {mps: {}}}", "worker.gpu.mps.memory", "size such as"),
        (
            "functions: f\nworker: {gpu: {mps: {memory: 1GiB, threads_percent: 0}}}",
            "worker.gpu.mps.threads_percent",
            "greater than 0",
        ),
        (
            "functions: f\ndocker: {engines: {a: {url: 'ssh://h', gpu: {}}}}",
            "docker.engines.a",
            "unix engine",
        ),
        ("functions: f\nworker: {gpu: {mps: {memory: 1GiB}}}", "isolate", "false with mps"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, key: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(write(tmp_path, text))
    assert caught.value.key == key
    assert expected in caught.value.expected


def test_every_policy_and_predictor_that_may_be_named_can_be_made() -> None:
    keep_alive, arrivals = KeepAliveSection, ArrivalSection
    policies = get_args(keep_alive.model_fields["policy"].annotation)
    predictors = get_args(arrivals.model_fields["predictor"].annotation)
    assert set(policies) == set(POLICIES)
    assert set(predictors) == set(PREDICTORS)
    for name in policies:
        assert POLICIES[name](keep_alive(policy=name)).stem_cells() is not None
    for name in predictors:
        PREDICTORS[name](arrivals(predictor=name)).resize(1)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        read_config(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("other", ["runtime: docker", "isolate: false"])
def test_snapshots_that_cannot_be_had_are_refused(tmp_path: Path, other: str) -> None:
    with pytest.raises(ConfigError, match=r"snapshots .* runtime: process and isolate: true"):
        read_config(write(tmp_path, f"functions: f\nsnapshots: true\n{other}\n"))


def test_snapshots_and_gpus_are_refused_together(tmp_path: Path) -> None:
    text = "functions: f\nsnapshots: true\nworker: {gpu: {}}\n"
    with pytest.raises(ConfigError, match=r"snapshots .* no worker.gpu"):
        read_config(write(tmp_path, text))
