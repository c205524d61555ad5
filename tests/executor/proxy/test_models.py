import gc
import json
from pathlib import Path
from typing import Any

import pytest

from executor.proxy.sdk.headstart.models import mapped

torch = pytest.importorskip("torch", reason="torch is not installed")
safetensors = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")

pytestmark = pytest.mark.torch


def make() -> Any:
    nn = torch.nn
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Embedding(3, 8), nn.Linear(8, 2))


class Masked(torch.nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)
        self.register_buffer("mask", torch.ones(2), persistent=False)


class Hollow(torch.nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", torch.empty(2), persistent=False)


def store(network: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "weights.safetensors"
    safetensors.save_file(network.state_dict(), path)
    monkeypatch.setenv("HEADSTART_FILES", json.dumps({"weights": str(path)}))


def test_a_mapped_network_is_the_one_that_was_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = make()
    store(original, tmp_path, monkeypatch)
    network = mapped(make, "weights")
    assert not network.training
    for name, tensor in original.state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor)


def test_torch_is_as_before_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(make(), tmp_path, monkeypatch)
    mapped(make, "weights")
    assert torch.empty(1).device.type == "cpu"
    assert gc.isenabled()
    torch.manual_seed(0)
    assert torch.nn.init.uniform_(torch.zeros(8)).abs().sum() > 0


def test_what_a_network_computes_while_it_is_made_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(Masked(), tmp_path, monkeypatch)
    assert mapped(Masked, "weights").mask.tolist() == [1.0, 1.0]


def test_a_tensor_that_nothing_fills_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(Hollow(), tmp_path, monkeypatch)
    with pytest.raises(RuntimeError, match="mask is not in the file of weights"):
        mapped(Hollow, "weights")


def test_weights_of_another_network_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(torch.nn.Linear(4, 8), tmp_path, monkeypatch)
    with pytest.raises(RuntimeError, match=r"Missing key.*0\.weight"):
        mapped(make, "weights")
    assert gc.isenabled()
