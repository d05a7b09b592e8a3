"""The two small networks of the planted worlds: a residual one, and a vision transformer with a class token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional

from auditor.inputs.world.planted import CLASS_NAMES

MEAN: tuple[float, float, float] = (0.5, 0.47, 0.44)
STD: tuple[float, float, float] = (0.25, 0.25, 0.25)
"""The normalisation of both; pixels in [0, 1]."""


class _Block(nn.Module):
    """Two convolutions around which the input goes (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.around = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if stride > 1 else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        inner = torch.relu(self.first_norm(self.first(features)))
        return torch.relu(self.second_norm(self.second(inner)) + self.around(features))


class ResidualNetwork(nn.Module):
    """A stem of stride 4, two residual blocks, a global mean and a linear layer: (B, 3, 64, 64) to (B, K) logits."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 6, 4, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
        self.blocks = nn.Sequential(_Block(32, 64, 2), _Block(64, 64, 1))
        self.head = nn.Linear(64, num_classes)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, K) logits of (B, 3, H, W) normalised pixels."""
        logits: Tensor = self.head(self.blocks(self.stem(pixels)).mean(dim=(2, 3)))
        return logits


class _Attention(nn.Module):
    """A transformer's layer, normalised behind each of its two sums (Vaswani et al. 2017)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.mix = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.first_norm = nn.LayerNorm(width)
        self.inner = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.second_norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        batch, count, width = tokens.shape
        mixed = self.mix(tokens).reshape(batch, count, 3, self.heads, width // self.heads)
        query, key, value = mixed.permute(2, 0, 3, 1, 4).unbind(0)
        read = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(batch, count, width)
        tokens = self.first_norm(tokens + self.out(read))
        normed: Tensor = self.second_norm(tokens + self.inner(tokens))
        return normed


class TokenNetwork(nn.Module):
    """A vision transformer that reads its class token; its tokens come from convolutions (Xiao et al. 2021)."""

    def __init__(self, num_classes: int, width: int = 64, depth: int = 2) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 32, 6, 4, 1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, width, 3, 2, 1)
        )
        self.class_token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.places = nn.Parameter(torch.randn(1, 65, width) * 0.02)
        self.blocks = nn.Sequential(*(_Attention(width, 4) for _ in range(depth)))
        self.head = nn.Linear(width, num_classes)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, K) logits of (B, 3, 64, 64) normalised pixels."""
        tokens = self.stem(pixels).flatten(2).transpose(1, 2)
        tokens = torch.cat((self.class_token.expand(len(tokens), -1, -1), tokens), dim=1) + self.places
        logits: Tensor = self.head(self.blocks(tokens)[:, 0])
        return logits


def residual_network(num_classes: int = len(CLASS_NAMES)) -> nn.Module:
    """An untrained residual network, with about 150 000 parameters."""
    return ResidualNetwork(num_classes)


def token_network(num_classes: int = len(CLASS_NAMES)) -> nn.Module:
    """An untrained vision transformer with a class token, with about 150 000 parameters."""
    return TokenNetwork(num_classes)


NETWORKS: Mapping[str, Callable[[], nn.Module]] = MappingProxyType(
    {"residual": residual_network, "tokens": token_network}
)
"""By the name that a world gives."""

LAYERS: Mapping[str, str] = MappingProxyType({"residual": "blocks.1", "tokens": "blocks.0"})
"""The layer to map: (64, 8, 8)."""


def factory_name(network: str) -> str:
    """What `[model] name` says for a network of the table."""
    return f"{__name__}:{NETWORKS[network].__name__}"
