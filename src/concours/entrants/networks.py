"""The zoo's small networks: dense, convolutional, vision transformer; from raw inputs to outputs, on plain torch.

Every builder takes plain values (JSON-able), so that a network can be built again from what was written down. A network
scales its inputs itself, so that its tensors are all there is to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class Standardise(nn.Module):
    """Subtract the mean, divide by the deviation, and bound what is far out.

    Takes any numeric dtype and gives float32. ``mean`` and ``scale`` are buffers of a shape that broadcasts to a row's; a
    z-score z becomes z / sqrt(1 + (z/limit)²), nearly the same for small z and never beyond ±limit (Holzmüller et al. 2024).
    """

    def __init__(self, shape: Sequence[int], limit: float = 3.0) -> None:
        super().__init__()
        self.limit = limit
        self.register_buffer("mean", torch.zeros(*shape))
        self.register_buffer("scale", torch.ones(*shape))
        self.mean: Tensor
        self.scale: Tensor

    def forward(self, inputs: Tensor) -> Tensor:
        z = (inputs.float() - self.mean) / self.scale
        return z * torch.rsqrt(1 + (z / self.limit).square())


NORMS = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm, "none": nn.Identity}
ACT = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "mish": nn.Mish, "selu": nn.SELU}


def dense(features: int, outputs: int, hidden: Sequence[int], dropout: float, norm: str, act="relu") -> nn.Sequential:
    layers: list[nn.Module] = [Standardise((features,)), ]
    width = features
    for size in hidden:
        layers += [nn.Linear(width, size), NORMS[norm](size) if norm!="none" else nn.Identity(), ACT[act](), nn.Dropout(dropout)]
        width = size
    return _slim(nn.Sequential(*layers, nn.Linear(width, outputs)))


class ChannelsFirst(nn.Module):
    def forward(self, x): return x.permute(0, 3, 1, 2)


def convolutional(shape, outputs, widths, dropout, convs=1, act="relu", stem=1, res=False):
    h, w, c = shape
    layers = [Standardise((c,)), ChannelsFirst()]
    width = c
    for i, size in enumerate(widths):
        layers += [nn.Conv2d(width, size, 3, padding=1, bias=False, stride=stem if i == 0 else 1)]
        if i < len(widths) - 1: layers += [nn.MaxPool2d(2)]
        layers += [nn.BatchNorm2d(size), ACT[act]()]
        for _ in range(convs - 1):
            if i>0: layers += [Residual(size, act)] if res else [nn.Conv2d(size, size, 3, padding=1, bias=False), nn.BatchNorm2d(size), ACT[act]()]
        width = size
    return _slim(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(width, outputs)))

class Residual(nn.Module):
    def __init__(self, size, act):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(size, size, 3, padding=1, bias=False), nn.BatchNorm2d(size), ACT[act]())
    def forward(self, x): return x + self.body(x)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
    def forward(self, x):
        b, t, w = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)
        return self.out(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, t, w))


class Block(nn.Module):
    def __init__(self, width, heads, ratio, dropout):
        super().__init__()
        self.attend = nn.Sequential(nn.LayerNorm(width), Attention(width, heads), nn.Dropout(dropout))
        self.think = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, ratio * width), nn.GELU(), nn.Linear(ratio * width, width), nn.Dropout(dropout))
    def forward(self, x):
        x = x + self.attend(x)
        return x + self.think(x)


class Patches(nn.Module):
    def __init__(self, shape, patch, width):
        super().__init__()
        h, w, c = shape
        self.patch = patch
        self.grid = (math.ceil(h / patch), math.ceil(w / patch))
        self.spare = (self.grid[0]*patch-h, self.grid[1]*patch-w)
        self.embed = nn.Linear(patch * patch * c, width)
        self.positions = nn.Parameter(torch.empty(1, self.grid[0] * self.grid[1], width))
        nn.init.trunc_normal_(self.positions, std=0.02)
    def forward(self, x):
        x = functional.pad(x, (0, 0, 0, self.spare[1], 0, self.spare[0]))
        b, h, w, c = x.shape
        p = self.patch
        x = x.view(b, h // p, p, w // p, p, c).transpose(2, 3).reshape(b, -1, p * p * c)
        return self.embed(x) + self.positions


class Mean(nn.Module):
    def forward(self, x): return x.mean(dim=1)


def vision_transformer(shape, outputs, patch, width, depth, heads, ratio=2, dropout=0.0):
    net = nn.Sequential(Standardise((shape[-1],)), Patches(shape, patch, width), *(Block(width, heads, ratio, dropout) for _ in range(depth)), nn.LayerNorm(width), Mean(), nn.Linear(width, outputs))
    return net


def _slim(network):
    for part in network.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.num_batches_tracked = None
    return network
