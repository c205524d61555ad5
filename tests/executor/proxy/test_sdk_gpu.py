"""On a processor in place of a GPU: what is asked of torch is noted, and the copies are real."""

from typing import Any

import pytest

from executor.proxy.sdk.headstart.gpu import to_gpu, to_host

torch = pytest.importorskip("torch", reason="torch is not installed")

pytestmark = pytest.mark.torch


class Shim:
    """Stands in for CUDA."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.on_gpu: set[int] = set()
        self._pinned: set[int] = set()
        patch.setattr(torch.Tensor, "pin_memory", lambda one: self._pin(one))
        patch.setattr(torch.Tensor, "to", lambda one, *how, **more: self._to(one, *how, **more))
        patch.setattr(torch.cuda, "synchronize", lambda: self.asked.append("synchronize"))
        patch.setattr(torch.cuda, "empty_cache", lambda: self.asked.append("empty"))

    def _pin(self, tensor: Any) -> Any:
        copy = tensor.clone()
        self._pinned.add(copy.data_ptr())
        return copy

    def _to(self, tensor: Any, device: str, *, non_blocking: bool) -> Any:
        assert device == "cuda"
        assert non_blocking
        assert tensor.data_ptr() in self._pinned
        copy = tensor.clone()
        self.on_gpu.add(copy.data_ptr())
        return copy


@pytest.fixture
def shim(monkeypatch: pytest.MonkeyPatch) -> Shim:
    return Shim(monkeypatch)


def network() -> Any:
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)).eval()


def addresses(one: Any) -> list[int]:
    return [tensor.data_ptr() for tensor in (*one.parameters(), *one.buffers())]


def test_all_tensors_go_over_pinned_memory_and_have_arrived_in_the_end(shim: Shim) -> None:
    one = network()
    before = one(torch.ones(1, 3))
    assert to_gpu(one) is one
    assert set(addresses(one)) <= shim.on_gpu
    assert shim.asked == ["synchronize"]
    assert torch.equal(one(torch.ones(1, 3)), before)


def test_the_way_back_copies_nothing_and_returns_the_memory(shim: Shim) -> None:
    one = network()
    before = addresses(one)
    to_host(to_gpu(one))
    assert addresses(one) == before
    assert shim.asked == ["synchronize", "synchronize", "empty"]


def test_what_is_no_network_is_told_what_it_needs() -> None:
    with pytest.raises(TypeError, match="a dict is no network of torch; its handler needs"):
        to_gpu({})


def test_a_network_can_go_again(shim: Shim) -> None:
    one = network()
    for _ in range(2):
        to_host(to_gpu(one))
    assert not set(addresses(one)) & shim.on_gpu


@pytest.mark.gpu
def test_a_real_gpu_gets_the_weights_and_gives_its_memory_back() -> None:
    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU")
    one = network()
    before = one(torch.ones(1, 3))
    to_gpu(one)
    there = one(torch.ones(1, 3, device="cuda")).cpu()
    torch.testing.assert_close(there, before)
    to_host(one)
    assert torch.cuda.memory_allocated() == 0
