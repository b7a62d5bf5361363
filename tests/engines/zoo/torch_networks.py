"""
Face recognition networks in PyTorch: the blocks of those that people have, a few channels wide.

Their weights are random; what counts is which operators an exporter makes of them. Needs torch,
which is no dependency of this project: see `make_zoo.py`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 -- as everybody calls it

LENGTH = 16
"""Of an embedding."""
SIDE = 32
"""Pixels of an input's width and height."""


class _Residual(nn.Module):
    """BatchNorm, Conv, BatchNorm, PReLU, Conv, BatchNorm: the block of an improved ResNet."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
        )
        self.plain = stride == 1 and inputs == outputs

    def forward(self, images: Tensor) -> Tensor:
        return self.body(images) + (images if self.plain else self.shortcut(images))


class IResNet(nn.Module):
    """As ArcFace trains it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.PReLU(8)
        )
        self.layers = nn.Sequential(_Residual(8, 8, 2), _Residual(8, 8, 1), _Residual(8, 10, 2))
        self.bn2 = nn.BatchNorm2d(10)
        self.dropout = nn.Dropout(0.4)
        self.fc = nn.Linear(160, LENGTH)
        self.features = nn.BatchNorm1d(LENGTH)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.bn2(self.layers(self.stem(images)))
        return self.features(self.fc(self.dropout(torch.flatten(maps, 1))))


def _unit(inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> nn.Sequential:
    pad = kernel // 2 if kernel < 8 else 0
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, pad, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.PReLU(outputs),
    )


class _DepthWise(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, inner: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _unit(inputs, inner, 1, 1),
            _unit(inner, inner, 3, stride, inner),
            nn.Conv2d(inner, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, images: Tensor) -> Tensor:
        return images + self.body(images) if self.residual else self.body(images)


class MobileFaceNet(nn.Module):
    """Ends in a global depthwise convolution, flattened by a view of the batch size."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _unit(3, 8, 3, 2),
            _unit(8, 8, 3, 1, 8),
            _DepthWise(8, 8, 2, 16),
            _DepthWise(8, 8, 1, 16),
            _unit(8, 24, 1, 1),
            nn.Conv2d(24, 24, 8, groups=24, bias=False),
            nn.BatchNorm2d(24),
        )
        self.linear = nn.Linear(24, LENGTH, bias=False)
        self.features = nn.BatchNorm1d(LENGTH)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.body(images)
        return self.features(self.linear(maps.view(maps.size(0), -1)))


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        count, length, width = tokens.shape
        split = self.qkv(tokens).reshape(count, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        weights = (query @ key.transpose(-2, -1) * (width // self.heads) ** -0.5).softmax(dim=-1)
        return self.proj((weights @ value).transpose(1, 2).reshape(count, length, width))


class _Encoder(nn.Module):
    def __init__(self, width: int, attention: nn.Module) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = attention
        self.mlp = nn.Sequential(nn.Linear(width, 24), nn.GELU(), nn.Linear(24, width))

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attention(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


class ViT(nn.Module):
    """With a class token, whose batch an exporter freezes."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 12, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, 12))
        self.position = nn.Parameter(torch.randn(1, 17, 12))
        self.encoder = nn.Sequential(*[_Encoder(12, _Attention(12, 2)) for _ in range(2)])
        self.norm = nn.LayerNorm(12)
        self.features = nn.Sequential(nn.Linear(12, LENGTH), nn.BatchNorm1d(LENGTH))

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        first = self.token.expand(tokens.shape[0], -1, -1)
        tokens = torch.cat((first, tokens), dim=1) + self.position
        return self.features(self.norm(self.encoder(tokens))[:, 0])


class _CrossCovariance(nn.Module):
    """Attention between channels, as in EdgeNeXt."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        count, length, width = tokens.shape
        split = self.qkv(tokens).reshape(count, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 4, 1).unbind(0)
        query, key = F.normalize(query, dim=-1), F.normalize(key, dim=-1)
        weights = (query @ key.transpose(-2, -1) * self.temperature).softmax(dim=-1)
        return self.proj((weights @ value).permute(0, 3, 1, 2).reshape(count, length, width))


class _Split(nn.Module):
    """Split depthwise transpose attention."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.first = nn.Conv2d(half, half, 3, 1, 1, groups=half)
        self.norm = nn.LayerNorm(width)
        self.attention = _CrossCovariance(width, 2)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 24), nn.GELU(), nn.Linear(24, width)
        )
        self.gamma = nn.Parameter(torch.full((width,), 0.5))

    def forward(self, maps: Tensor) -> Tensor:
        count, width, height, breadth = maps.shape
        left, right = torch.split(maps, width // 2, dim=1)
        mixed = torch.cat((self.first(left), right), dim=1)
        tokens = mixed.reshape(count, width, height * breadth).permute(0, 2, 1)
        tokens = tokens + self.gamma * self.attention(self.norm(tokens))
        tokens = self.mlp(tokens.reshape(count, height, breadth, width)) * self.gamma
        return maps + tokens.permute(0, 3, 1, 2)


class _ConvEncoder(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 3, 1, 1, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, 24), nn.GELU(), nn.Linear(24, width))
        self.gamma = nn.Parameter(torch.full((width,), 0.5))

    def forward(self, maps: Tensor) -> Tensor:
        tokens = self.norm(self.depthwise(maps).permute(0, 2, 3, 1))
        return maps + (self.gamma * self.mlp(tokens)).permute(0, 3, 1, 2)


class EdgeFace(nn.Module):
    """EdgeNeXt with low-rank linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 12, 4, 4), _ConvEncoder(12), nn.Conv2d(12, 12, 2, 2), _Split(12)
        )
        self.norm = nn.LayerNorm(12)
        self.low, self.high = nn.Linear(12, 6, bias=False), nn.Linear(6, LENGTH)

    def forward(self, images: Tensor) -> Tensor:
        return self.high(self.low(self.norm(self.body(images).mean((-2, -1)))))


class _Ghost(nn.Module):
    """A few convolutions, and cheap copies of their channels, one too many."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.outputs, half = outputs, -(-outputs // 2)
        self.primary, self.cheap = _unit(inputs, half, 1, 1), _unit(half, half, 3, 1, half)
        self.gate = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.Conv2d(outputs, outputs, (1, 5), 1, (0, 2), groups=outputs, bias=False),
            nn.BatchNorm2d(outputs),
            nn.Conv2d(outputs, outputs, (5, 1), 1, (2, 0), groups=outputs, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, maps: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate(F.avg_pool2d(maps, 2, 2)))
        first = self.primary(maps)
        both = torch.cat((first, self.cheap(first)), dim=1)[:, : self.outputs]
        return both * F.interpolate(gate, size=both.shape[-2:], mode="nearest")


class _Excite(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, 4, 1), nn.PReLU(4), nn.Conv2d(4, width, 1)
        )

    def forward(self, maps: Tensor) -> Tensor:
        return maps * F.hardsigmoid(self.body(maps))


class GhostFaceNet(nn.Module):
    """GhostNetV2 with PReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _unit(3, 8, 3, 2), _Ghost(8, 15), _Excite(15), _unit(15, 16, 1, 2), _Ghost(16, 16)
        )
        self.depthwise = nn.Conv2d(16, 16, 8, groups=16, bias=False)
        self.linear = nn.Conv2d(16, LENGTH, 1, bias=False)
        self.features = nn.BatchNorm1d(LENGTH)

    def forward(self, images: Tensor) -> Tensor:
        return self.features(self.linear(self.depthwise(self.body(images))).flatten(1))


class SFace(nn.Module):
    """MobileNet of convolutions with bias, (x - 127.5) / 128 inside, four axes at its end."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _unit(3, 8, 3, 2),
            _unit(8, 8, 3, 1, 8),
            _unit(8, 12, 3, 2),
            _unit(12, 12, 3, 2, 12),
            _unit(12, 12, 1, 1),
        )
        self.fc = nn.Conv2d(12, LENGTH, 4)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.body((images - 127.5) * 0.0078125))


class _Inception(nn.Module):
    """Branches side by side, scaled and added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one = self._branch(width, 1)
        self.three = nn.Sequential(self._branch(width, 1), self._branch(4, 3))
        self.up = nn.Conv2d(8, width, 1)

    @staticmethod
    def _branch(inputs: int, kernel: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inputs, 4, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(4, eps=1e-3),
            nn.ReLU(),
        )

    def forward(self, maps: Tensor) -> Tensor:
        both = torch.cat((self.one(maps), self.three(maps)), dim=1)
        return F.relu(0.17 * self.up(both) + maps)


class InceptionResNet(nn.Module):
    """As FaceNet has it, its embedding of unit length."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2)
        )
        self.blocks = nn.Sequential(_Inception(8), _Inception(8))
        self.last = nn.Sequential(
            nn.Linear(8, LENGTH, bias=False), nn.BatchNorm1d(LENGTH, eps=1e-3)
        )

    def forward(self, images: Tensor) -> Tensor:
        maps = F.adaptive_avg_pool2d(self.blocks(self.stem(images)), 1)
        return F.normalize(self.last(maps.view(maps.shape[0], -1)), p=2, dim=1)


def _windows(tokens: Tensor, side: int) -> Tensor:
    count, height, width, depth = tokens.shape
    parts = tokens.view(count, height // side, side, width // side, side, depth)
    return parts.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, side * side, depth)


def _joined(windows: Tensor, side: int, height: int, width: int) -> Tensor:
    count = int(windows.shape[0] / (height * width / side / side))
    parts = windows.view(count, height // side, width // side, side, side, -1)
    return parts.permute(0, 1, 3, 2, 4, 5).contiguous().view(count, height, width, -1)


class _Window(nn.Module):
    """Attention within windows, shifted or not, with a bias of positions and a mask."""

    def __init__(self, width: int, shift: int) -> None:
        super().__init__()
        self.shift, self.side, self.attention = shift, 4, _Attention(width, 2)
        self.norm = nn.LayerNorm(width)
        self.register_buffer("mask", torch.randn(4, 1, 16) if shift else torch.zeros(1, 1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        count, height, width, depth = maps.shape
        tokens = torch.roll(maps, (-self.shift, -self.shift), (1, 2)) if self.shift else maps
        windows = self.norm(_windows(tokens, self.side))
        if self.shift:
            windows = windows.view(count, 4, 16, depth) + self.mask.transpose(1, 2).unsqueeze(0)
            windows = windows.view(-1, 16, depth)
        tokens = _joined(self.attention(windows), self.side, height, width)
        return maps + (torch.roll(tokens, (self.shift,) * 2, (1, 2)) if self.shift else tokens)


class Swin(nn.Module):
    """Windows, shifted windows, merged patches."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.windows = nn.Sequential(_Window(8, 0), _Window(8, 2))
        self.merge = nn.Linear(32, 8, bias=False)
        self.norm = nn.LayerNorm(8)
        self.features = nn.Sequential(nn.Linear(8, LENGTH, bias=False), nn.BatchNorm1d(LENGTH))

    def forward(self, images: Tensor) -> Tensor:
        maps = self.windows(self.patches(images).permute(0, 2, 3, 1))
        corners = [maps[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        tokens = self.norm(self.merge(torch.cat(corners, -1)).flatten(1, 2))
        pooled = F.adaptive_avg_pool1d(tokens.transpose(1, 2), 1)
        return self.features(torch.flatten(pooled, 1))


NETWORKS: dict[str, type[nn.Module]] = {
    "iresnet": IResNet,
    "mobilefacenet": MobileFaceNet,
    "vit": ViT,
    "edgeface": EdgeFace,
    "ghostfacenet": GhostFaceNet,
    "sface": SFace,
    "inception-resnet": InceptionResNet,
    "swin": Swin,
}


def random_network(name: str) -> nn.Module:
    """Return a network of this name, its weights and statistics random but always the same."""
    torch.manual_seed(sum(name.encode()))
    network = NETWORKS[name]()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
        if isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, 0.1, 0.4)
    return network.eval()
