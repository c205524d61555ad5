"""ResNet-50 (He et al., 2016, table 1), with the stride in the 3x3 convolution."""

from torch import nn

CLASSES = 1000
STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""Width, blocks and stride of each stage."""


def convolve(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            convolve(inputs, width, 1),
            nn.ReLU(),
            convolve(width, width, 3, stride),
            nn.ReLU(),
            convolve(width, 4 * width, 1),
        )
        same = inputs == 4 * width
        self.shortcut = nn.Identity() if same else convolve(inputs, 4 * width, 1, stride)

    def forward(self, pixels):
        return (self.branch(pixels) + self.shortcut(pixels)).relu()


def stage(inputs: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    rest = (Bottleneck(4 * width, width, 1) for _ in range(blocks - 1))
    return nn.Sequential(Bottleneck(inputs, width, stride), *rest)


class ResNet50(nn.Sequential):
    """Maps (batch, 3, 224, 224) pixels to (batch, CLASSES) logits."""

    def __init__(self) -> None:
        inputs = (64, 256, 512, 1024)
        super().__init__(
            convolve(3, 64, 7, 2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, padding=1),
            *(stage(count, *rest) for count, rest in zip(inputs, STAGES, strict=True)),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(2048, CLASSES),
        )
