"""The eight networks of Sui et al. (SoCC 2024) by their papers' tables; weights are random.

The file is copied beside the handlers that use it, so that it needs torch alone.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

CLASSES = 1000


def convolve(
    inputs: int,
    outputs: int,
    size: int | tuple[int, int],
    stride: int = 1,
    padding: int | str | None = None,
) -> nn.Sequential:
    """Convolve, normalise, rectify; padded to the same size unless told otherwise."""
    if padding is None:
        padding = size // 2 if isinstance(size, int) else "same"
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, padding, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def head(channels: int) -> list[nn.Module]:
    """Average over the picture and classify."""
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES)]


class Residual(nn.Module):  # type: ignore[misc]
    """What a branch adds to its input (He et al., 2016)."""

    def __init__(self, branch: nn.Module, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.branch = branch
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else convolve(inputs, outputs, 1, stride)[:2]

    def forward(self, pixels: Tensor) -> Tensor:
        """Add."""
        return torch.relu(self.branch(pixels) + self.shortcut(pixels))


def basic(inputs: int, width: int, stride: int) -> Residual:
    """Two convolutions, of ResNet-18."""
    branch = [*convolve(inputs, width, 3, stride), *convolve(width, width, 3)[:2]]
    return Residual(nn.Sequential(*branch), inputs, width, stride)


def bottleneck(inputs: int, width: int, stride: int) -> Residual:
    """Three convolutions, of the deeper ResNets, with the stride in the middle."""
    branch = [
        *convolve(inputs, width, 1),
        *convolve(width, width, 3, stride),
        *convolve(width, 4 * width, 1)[:2],
    ]
    return Residual(nn.Sequential(*branch), inputs, 4 * width, stride)


def resnet(
    block: Callable[[int, int, int], Residual], growth: int, depths: Iterable[int]
) -> nn.Module:
    """He et al. (2016), table 1."""
    blocks, inputs = [], 64
    for stage, depth in enumerate(depths):
        width = 64 << stage
        for number in range(depth):
            blocks.append(block(inputs, width, 2 if stage and not number else 1))
            inputs = growth * width
    stem = [*convolve(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    return nn.Sequential(*stem, *blocks, *head(inputs))


def resnet18() -> nn.Module:
    """ResNet-18."""
    return resnet(basic, 1, (2, 2, 2, 2))


def resnet50() -> nn.Module:
    """ResNet-50."""
    return resnet(bottleneck, 4, (3, 4, 6, 3))


def resnet152() -> nn.Module:
    """ResNet-152."""
    return resnet(bottleneck, 4, (3, 8, 36, 3))


def classifier(features: list[nn.Module], side: int, channels: int) -> nn.Module:
    """Put two wide layers and the last one behind features; of AlexNet and VGG."""
    wide = [nn.Linear(side * side * channels, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU()]
    pool = nn.AdaptiveAvgPool2d(side)
    return nn.Sequential(*features, pool, nn.Flatten(), *wide, nn.Linear(4096, CLASSES))


def alexnet() -> nn.Module:
    """Krizhevsky (2014), the version on one tower."""
    features: list[nn.Module] = []
    layers = ((3, 64, 11, 4, 2), (64, 192, 5, 1, 2), (192, 384, 3, 1, 1), (384, 256, 3, 1, 1))
    for number, layer in enumerate((*layers, (256, 256, 3, 1, 1))):
        features += [nn.Conv2d(*layer), nn.ReLU()]
        if number in (0, 1, 4):
            features.append(nn.MaxPool2d(3, 2))
    return classifier(features, 6, 256)


def vgg19() -> nn.Module:
    """Simonyan and Zisserman (2015), table 1, column E."""
    features: list[nn.Module] = []
    inputs = 3
    for width, depth in ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4)):
        for _ in range(depth):
            features += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
            inputs = width
        features.append(nn.MaxPool2d(2))
    return classifier(features, 7, 512)


class Branches(nn.Module):  # type: ignore[misc]
    """Branches side by side, their channels one after the other (Szegedy et al., 2015)."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, pixels: Tensor) -> Tensor:
        """Concatenate."""
        return torch.cat([branch(pixels) for branch in self.branches], 1)


def chain(inputs: int, *layers: tuple[int, int | tuple[int, int]]) -> nn.Sequential:
    """Convolve again and again: outputs and size of each."""
    parts = []
    for outputs, size in layers:
        parts.append(convolve(inputs, outputs, size))
        inputs = outputs
    return nn.Sequential(*parts)


def googlenet() -> nn.Module:
    """Szegedy et al. (2015), table 1, with batch normalisation and without auxiliary heads."""
    widths = (
        (192, 64, 96, 128, 16, 32, 32),
        (256, 128, 128, 192, 32, 96, 64),
        (480, 192, 96, 208, 16, 48, 64),
        (512, 160, 112, 224, 24, 64, 64),
        (512, 128, 128, 256, 24, 64, 64),
        (512, 112, 144, 288, 32, 64, 64),
        (528, 256, 160, 320, 32, 128, 128),
        (832, 256, 160, 320, 32, 128, 128),
        (832, 384, 192, 384, 48, 128, 128),
    )
    layers: list[nn.Module] = [convolve(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    layers += [chain(64, (64, 1), (192, 3)), nn.MaxPool2d(3, 2, 1)]
    for number, (inputs, one, reduced3, three, reduced5, five, pooled) in enumerate(widths):
        pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), convolve(inputs, pooled, 1))
        chains = ([(one, 1)], [(reduced3, 1), (three, 3)], [(reduced5, 1), (five, 5)])
        layers.append(Branches(*(chain(inputs, *one) for one in chains), pool))
        if number in (1, 6):
            layers.append(nn.MaxPool2d(3, 2, 1))
    return nn.Sequential(*layers, *head(1024))


def inception3() -> nn.Module:
    """Szegedy et al. (2016), table 1, without the auxiliary head."""
    tall, flat = (7, 1), (1, 7)

    def pooled(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(nn.AvgPool2d(3, 1, 1), convolve(inputs, outputs, 1))

    def small(inputs: int, outputs: int) -> Branches:
        threes = chain(inputs, (64, 1), (96, 3), (96, 3))
        fives = chain(inputs, (48, 1), (64, 5))
        return Branches(chain(inputs, (64, 1)), fives, threes, pooled(inputs, outputs))

    def long(width: int) -> Branches:
        once = chain(768, (width, 1), (width, flat), (192, tall))
        twice = chain(768, (width, 1), (width, tall), (width, flat), (width, tall), (192, flat))
        return Branches(chain(768, (192, 1)), once, twice, pooled(768, 192))

    def split(inputs: int) -> Branches:
        return Branches(chain(inputs, (384, (1, 3))), chain(inputs, (384, (3, 1))))

    def wide(inputs: int) -> Branches:
        once = nn.Sequential(chain(inputs, (384, 1)), split(384))
        twice = nn.Sequential(chain(inputs, (448, 1), (384, 3)), split(384))
        return Branches(chain(inputs, (320, 1)), once, twice, pooled(inputs, 192))

    halved = Branches(
        convolve(288, 384, 3, 2, 0),
        nn.Sequential(chain(288, (64, 1), (96, 3)), convolve(96, 96, 3, 2, 0)),
        nn.MaxPool2d(3, 2),
    )
    quartered = Branches(
        nn.Sequential(chain(768, (192, 1)), convolve(192, 320, 3, 2, 0)),
        nn.Sequential(chain(768, (192, 1), (192, flat), (192, tall)), convolve(192, 192, 3, 2, 0)),
        nn.MaxPool2d(3, 2),
    )
    stem = [convolve(3, 32, 3, 2, 0), convolve(32, 32, 3, 1, 0), convolve(32, 64, 3)]
    stem += [nn.MaxPool2d(3, 2), convolve(64, 80, 1), convolve(80, 192, 3, 1, 0)]
    body = [small(192, 32), small(256, 64), small(288, 64), halved]
    body += [long(128), long(160), long(160), long(192), quartered, wide(1280), wide(2048)]
    return nn.Sequential(*stem, nn.MaxPool2d(3, 2), *body, *head(2048))


class Layer(nn.Module):  # type: ignore[misc]
    """A layer of an encoder (Vaswani et al., 2017)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)
        self.output_norm = nn.LayerNorm(width)

    def forward(self, states: Tensor) -> Tensor:
        """Attend, then transform each state by itself."""
        parts = self.queries_keys_values(states).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        seen = scaled_dot_product_attention(queries, keys, values).transpose(1, 2).flatten(2)
        states = self.attention_norm(states + self.mix(seen))
        return self.output_norm(states + self.narrow(gelu(self.widen(states))))


class Encoder(nn.Module):  # type: ignore[misc]
    """BERT-base (Devlin et al., 2019, section 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(30522, 768)
        self.positions = nn.Embedding(512, 768)
        self.norm = nn.LayerNorm(768)
        self.layers = nn.Sequential(*(Layer(768, 12) for _ in range(12)))

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (batch, length) token numbers to the mean of the last states."""
        states = self.words(tokens) + self.positions.weight[: tokens.shape[1]]
        return self.layers(self.norm(states)).mean(1)


def bert() -> nn.Module:
    """BERT-base."""
    return Encoder()


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet18": resnet18,
    "googlenet": googlenet,
    "resnet50": resnet50,
    "inception3": inception3,
    "resnet152": resnet152,
    "alexnet": alexnet,
    "bert": bert,
    "vgg19": vgg19,
}
"""By name, the smallest weights first as in the seed's list."""


def example(name: str) -> Tensor:
    """Make an input for a network."""
    if name == "bert":
        return torch.arange(32)[None]
    side = 299 if name == "inception3" else 224
    return torch.zeros(1, 3, side, side)
