"""The Inception I3D network (Carreira & Zisserman 2017) by the names under which its public weights are stored."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

BATCH_NORM_EPSILON = 1e-5  # of the PyTorch codes behind published figures; the first TensorFlow one had 1e-3
Three = tuple[int, int, int]


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Padding before and after one axis for ceil(size / stride) cells, the odd one after (TensorFlow's `SAME`)."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _padded(x: Tensor, kernel: Three, stride: Three) -> tuple[Tensor, Three]:
    """The input, padded where that is uneven, and the even padding that the layer itself can do."""
    pads = [_same(size, k, s) for size, k, s in zip(x.shape[2:], kernel, stride, strict=True)]
    if all(before == after for before, after in pads):
        return x, (pads[0][0], pads[1][0], pads[2][0])
    return functional.pad(x, [side for pad in reversed(pads) for side in pad]), (0, 0, 0)


class Unit(nn.Module):
    """Convolution, batch norm and ReLU; the last layer is a convolution with a bias alone."""

    def __init__(self, channels: int, out: int, kernel: int = 1, stride: int = 1, last: bool = False) -> None:
        super().__init__()
        self.kernel, self.stride = (kernel,) * 3, (stride,) * 3
        self.conv3d = nn.Conv3d(channels, out, self.kernel, self.stride, bias=last)
        self.bn = None if last else nn.BatchNorm3d(out, eps=BATCH_NORM_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, t, h, w) -> (n, out, t / stride, h / stride, w / stride)."""
        x, even = _padded(x, self.kernel, self.stride)
        x = functional.conv3d(x, self.conv3d.weight, self.conv3d.bias, self.stride, even)
        return x if self.bn is None else functional.relu(self.bn(x))


class Pool(nn.Module):
    """Max pooling; padded with zeros, which follow a ReLU."""

    def __init__(self, kernel: Three, stride: Three) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, t, h, w), smaller by the strides."""
        x, even = _padded(x, self.kernel, self.stride)
        return functional.max_pool3d(x, self.kernel, self.stride, even)


class Mixed(nn.Module):
    """Inception module: four branches, joined over channels."""

    def __init__(self, channels: int, b0: int, b1a: int, b1b: int, b2a: int, b2b: int, b3b: int) -> None:
        super().__init__()
        self.b0 = Unit(channels, b0)
        self.b1a, self.b1b = Unit(channels, b1a), Unit(b1a, b1b, 3)
        self.b2a, self.b2b = Unit(channels, b2a), Unit(b2a, b2b, 3)
        self.b3a, self.b3b = Pool((3, 3, 3), (1, 1, 1)), Unit(channels, b3b)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, t, h, w) -> (n, b0 + b1b + b2b + b3b, t, h, w)."""
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))], 1)


class I3D(nn.Module):
    """RGB clips (n, 3, t, 224, 224) in -1 to 1, t of 9 or more -> logits (n, 400), averaged over time."""

    def __init__(self, classes: int = 400) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = Unit(3, 64, 7, 2)
        self.MaxPool3d_2a_3x3 = Pool((1, 3, 3), (1, 2, 2))
        self.Conv3d_2b_1x1 = Unit(64, 64)
        self.Conv3d_2c_3x3 = Unit(64, 192, 3)
        self.MaxPool3d_3a_3x3 = Pool((1, 3, 3), (1, 2, 2))
        self.Mixed_3b = Mixed(192, 64, 96, 128, 16, 32, 32)
        self.Mixed_3c = Mixed(256, 128, 128, 192, 32, 96, 64)
        self.MaxPool3d_4a_3x3 = Pool((3, 3, 3), (2, 2, 2))
        self.Mixed_4b = Mixed(480, 192, 96, 208, 16, 48, 64)
        self.Mixed_4c = Mixed(512, 160, 112, 224, 24, 64, 64)
        self.Mixed_4d = Mixed(512, 128, 128, 256, 24, 64, 64)
        self.Mixed_4e = Mixed(512, 112, 144, 288, 32, 64, 64)
        self.Mixed_4f = Mixed(528, 256, 160, 320, 32, 128, 128)
        self.MaxPool3d_5a_2x2 = Pool((2, 2, 2), (2, 2, 2))
        self.Mixed_5b = Mixed(832, 256, 160, 320, 32, 128, 128)
        self.Mixed_5c = Mixed(832, 384, 192, 384, 48, 128, 128)
        self.logits = Unit(1024, classes, last=True)

    def forward(self, x: Tensor) -> Tensor:
        """Runs the layers in the order they are written down in; the drop-out of training is left out."""
        for name, layer in self.named_children():
            if name == "logits":
                x = functional.avg_pool3d(x, (2, 7, 7), 1)
            x = layer(x)
        return x.flatten(3).squeeze(3).mean(2)
