import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from bench.density.networks import NETWORKS, example  # noqa: E402 - needs torch

pytestmark = pytest.mark.torch

PUBLISHED_MILLIONS = {
    "resnet18": 11.7,
    "googlenet": 7.0,
    "resnet50": 25.6,
    "inception3": 23.8,
    "resnet152": 60.2,
    "alexnet": 61.1,
    "bert": 109.0,
    "vgg19": 143.7,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_has_the_shape_and_as_many_weights_as_published(name: str) -> None:
    with torch.device("meta"):
        network = NETWORKS[name]().eval()
        answer = network(example(name))
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count / 1e6 == pytest.approx(PUBLISHED_MILLIONS[name], rel=0.005)
    assert tuple(answer.shape) == (1, 768 if name == "bert" else 1000)
