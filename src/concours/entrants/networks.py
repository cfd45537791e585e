"""The zoo's small networks, on plain torch: for tables, pictures and texts.

A network takes raw inputs and scales them itself, so that its tensors are all there is to it. Every builder takes plain
values, so that a network can be built again from what JSON says of it. Images have shape (n, height, width, colours).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from concours.entrants.embeddings import Columns

NORMS: dict[str, Callable[[int], nn.Module]] = {
    "batch": lambda width: _without_count(nn.BatchNorm1d(width)),
    "layer": nn.LayerNorm,
    "none": lambda width: nn.Identity(),
}

_WORD = 0.1
"""The deviation of the numbers of a word's vector before training; torch's own, 1, is learned away slowly."""


def dense(*, shape: Sequence[int], outputs: int, hidden: Sequence[int], dropout: float, norm: str) -> Network:
    """A multilayer perceptron: linear, norm, ReLU and dropout for each width of `hidden`, then linear.

    `shape` is (features,), or that of an image, which is flattened. `norm` is "batch" (Ioffe & Szegedy 2015),
    "layer" (Ba et al. 2016) or "none".
    """
    widths = [math.prod(shape), *hidden]
    layers: list[nn.Module] = [nn.Flatten()]
    for before, width in pairwise(widths):
        layers += [nn.Linear(before, width), NORMS[norm](width), nn.ReLU(), nn.Dropout(dropout)]
    return Network(shape[-1], nn.Sequential(*layers, nn.Linear(widths[-1], outputs)))


def convolutional(*, shape: Sequence[int], outputs: int, widths: Sequence[int], stride: int, dropout: float) -> Network:
    """A plain convolutional network: a stage for each of `widths`, average over all pixels, dropout, linear.

    A stage is convolution 3 × 3, max-pooling 2 × 2 (not in the last), batch norm, ReLU; pooling comes before the norm
    because that is cheaper. A first `stride` above 1, with a kernel to match, shrinks large images.
    """
    channels = [shape[-1], *widths]
    layers: list[nn.Module] = [ChannelsFirst()]
    for i, (before, width) in enumerate(pairwise(channels)):
        step = stride if i == 0 else 1
        layers += convolution(before, width, 2 * step + 1, stride=step, pool=i < len(widths) - 1)
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(channels[-1], outputs)]
    return Network(shape[-1], nn.Sequential(*layers, *head))


def residual(*, shape: Sequence[int], outputs: int, width: int, stride: int, dropout: float) -> Network:
    """A small residual network (He et al. 2016): a stem, two stages, the maximum over all pixels, dropout, linear.

    The stem is a convolution of a `stride`, with a kernel to match, to `width` channels. A stage doubles the channels
    by a convolution 3 × 3 and max-pooling 2 × 2, and adds to that another convolution of it, all normed by batches.
    """
    layers: list[nn.Module] = [ChannelsFirst(), *convolution(shape[-1], width, 2 * stride + 1, stride=stride)]
    for channels in (2 * width, 4 * width):
        layers += convolution(channels // 2, channels, 3, pool=True)
        layers.append(Residual(nn.Sequential(*convolution(channels, channels, 3))))
    head = [nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(4 * width, outputs)]
    return Network(shape[-1], nn.Sequential(*layers, *head))


def vision_transformer(
    *, shape: Sequence[int], outputs: int, patch: int, width: int, depth: int, heads: int, dropout: float
) -> Network:
    """A vision transformer (Dosovitskiy et al. 2021), with the mean of all tokens as class token (Zhai et al. 2022).

    Square patches of side `patch`, learned positions, `depth` pre-norm encoder blocks of `width` numbers a token.
    """
    blocks = [Encoder(width, heads, dropout) for _ in range(depth)]
    layers = [Patches(shape, patch, width), *blocks, nn.LayerNorm(width), MeanToken(), nn.Linear(width, outputs)]
    return Network(shape[-1], nn.Sequential(*layers))


def embedding_bag(
    *,
    shape: Sequence[int],  # noqa: ARG001 (a bag takes texts of any length)
    outputs: int,
    words: int,
    width: int,
    dropout: float,
) -> Network:
    """The mean of the vectors of a text's numbered words, below `words`, dropout, linear; 0 is no word.

    `shape` is (numbers a text,).
    """
    bag = nn.EmbeddingBag(words, width, mode="mean", padding_idx=0)
    nn.init.normal_(bag.weight, std=_WORD)
    return Network(nn.Identity(), nn.Sequential(bag, nn.Dropout(dropout), nn.Linear(width, outputs)))


def text_transformer(
    *, shape: Sequence[int], outputs: int, words: int, width: int, depth: int, heads: int, dropout: float
) -> Network:
    """`depth` encoder blocks over a text's numbered words, below `words`, then `Words`' mean token and linear.

    `shape` is (numbers a text,); 0 is no word, and 1 stands before the first.
    """
    return Network(
        nn.Identity(), nn.Sequential(Words(shape[0], words, width, depth, heads, dropout), nn.Linear(width, outputs))
    )


def tabular(
    *,
    shape: Sequence[int],
    outputs: int,
    numbers: int,
    cardinalities: Sequence[int],
    bins: int,
    width: int,
    hidden: Sequence[int],
    members: int,
    dropout: float,
) -> Network:
    """`Columns` as tokens of `width`, then `members` multilayer perceptrons that share all but a few weights.

    `shape` is (columns,). In training the outputs have shape (n, members, outputs), afterwards as everywhere.
    """
    body = Members(shape[0], width, hidden, members, dropout, outputs)
    return Network(Columns(numbers, cardinalities, bins, width), nn.Sequential(body, Mean()))


def tabular_transformer(
    *,
    shape: Sequence[int],
    outputs: int,
    numbers: int,
    cardinalities: Sequence[int],
    bins: int,
    width: int,
    depth: int,
    heads: int,
    tokens: int,
    dropout: float,
) -> Network:
    """A transformer whose tokens are `Columns` (Gorishniy et al. 2021), with their mean as class token.

    More columns than `tokens` are mixed into so many first.
    """
    mix = [MixTokens(shape[0], tokens)] if shape[0] > tokens else []
    blocks = [Encoder(width, heads, dropout) for _ in range(depth)]
    layers = [*mix, *blocks, nn.LayerNorm(width), MeanToken(), nn.Linear(width, outputs)]
    return Network(Columns(numbers, cardinalities, bins, width), nn.Sequential(*layers))


class Network(nn.Module):
    """From raw inputs to outputs: `scaling`, `body`, times `sharpness`.

    `scaling` knows the range of the inputs; a number stands for `Standardise` with so many statistics. Inputs have
    shape (n, *shape) and any numeric dtype; outputs are float32, of shape (n, outputs). `sharpness` is one over the
    temperature of a classifier's calibration (Guo et al. 2017), 1 until it is known.
    """

    def __init__(self, scaling: int | nn.Module, body: nn.Module) -> None:
        super().__init__()
        self.scaling = Standardise(scaling) if isinstance(scaling, int) else scaling
        self.body = body
        self.register_buffer("sharpness", torch.ones(()))
        self.sharpness: Tensor

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.body(self.scaling(inputs)) * self.sharpness
        return outputs


class LastLayer(nn.Module):
    """A network of which only the last layer with parameters learns; the others stay as they are for predicting."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.last = [part for part in network.modules() if next(part.parameters(recurse=False), None) is not None][-1]

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.network(inputs)
        return outputs

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        return self.last.parameters(recurse)

    def train(self, mode: bool = True) -> Self:
        super().train(False)
        self.last.train(mode)
        return self


class Standardise(nn.Module):
    """Subtract the mean and divide by the deviation along the last axis, and bend far values towards ±3.

    A z-score z becomes z / sqrt(1 + (z/3)²), so a small one stays nearly as it is (smooth clipping, Holzmüller et al.
    2024).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))
        self.mean: Tensor
        self.deviation: Tensor

    def forward(self, inputs: Tensor) -> Tensor:
        z = (inputs.float() - self.mean).div_(self.deviation)
        return z * (z / 3).square_().add_(1).rsqrt_()


class ChannelsFirst(nn.Module):
    """From (n, height, width, colours) to torch's (n, colours, height, width); memory stays as it is, which is fast."""

    def forward(self, images: Tensor) -> Tensor:
        return images.permute(0, 3, 1, 2)


class Residual(nn.Module):
    """Adds to its inputs what `body` makes of them."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = inputs + self.body(inputs)
        return result


class Patches(nn.Module):
    """Embed the patches of images, each with its position; gives (n, patches, width), row by row.

    Each patch is seen with half a patch around it (Wang et al. 2022), which makes up for much that a transformer lacks
    on few images. Beyond the edges lies the mean colour, also where patches do not divide the image.
    """

    def __init__(self, shape: Sequence[int], patch: int, width: int) -> None:
        super().__init__()
        height, breadth, colours = shape
        rows, columns = math.ceil(height / patch), math.ceil(breadth / patch)
        before = patch // 2
        right, below = columns * patch + patch - breadth - before, rows * patch + patch - height - before
        self.frame = (before, right, before, below)
        self.embed = nn.Conv2d(colours, width, 2 * patch, stride=patch)
        self.positions = nn.Parameter(0.5 * torch.randn(rows * columns, width))

    def forward(self, images: Tensor) -> Tensor:
        framed = functional.pad(images.permute(0, 3, 1, 2), self.frame)
        tokens: Tensor = self.embed(framed).flatten(2).transpose(1, 2)
        return tokens + self.positions


class Encoder(nn.Module):
    """A pre-norm encoder block (Xiong et al. 2020): self-attention, then two linear layers, each added to its input."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attend = nn.Sequential(nn.LayerNorm(width), Attention(width, heads), nn.Dropout(dropout))
        inner = [nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)]
        self.think = nn.Sequential(nn.LayerNorm(width), *inner, nn.Dropout(dropout))

    def forward(self, tokens: Tensor, there: Tensor | None = None) -> Tensor:
        norm, attention, dropout = self.attend
        tokens = tokens + dropout(attention(norm(tokens), there))
        result: Tensor = tokens + self.think(tokens)
        return result


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017) on (n, tokens, width), to the tokens that are `there`.

    `there` is boolean, (n, tokens), and true somewhere in each row; None for all of them.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.inward = nn.Linear(width, 3 * width)
        self.outward = nn.Linear(width, width)

    def forward(self, tokens: Tensor, there: Tensor | None = None) -> Tensor:
        n, length, width = tokens.shape
        split = self.inward(tokens).view(n, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mask = None if there is None else there[:, None, None]
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        result: Tensor = self.outward(mixed.transpose(1, 2).reshape(n, length, width))
        return result


class Words(nn.Module):
    """From texts as numbered words (n, length) to (n, width): a vector and a position each, encoder blocks, their mean.

    Words of number 0 are not there; number 1 is set before the first, so that an empty text has a word, too.
    """

    def __init__(self, length: int, words: int, width: int, depth: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, width)
        nn.init.normal_(self.embed.weight, std=_WORD)
        self.positions = nn.Parameter(_WORD * torch.randn(length + 1, width))
        self.blocks = nn.ModuleList(Encoder(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, words: Tensor) -> Tensor:
        words = functional.pad(words, (1, 0), value=1)
        there = words != 0
        tokens = self.dropout(self.embed(words) + self.positions)
        for block in self.blocks:
            tokens = block(tokens, there)
        weights = there[:, :, None] / there.sum(dim=1)[:, None, None]
        return (self.norm(tokens) * weights).sum(dim=1)


class MeanToken(nn.Module):
    """From (n, tokens, width) to (n, width)."""

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens.mean(dim=1)


class MixTokens(nn.Module):
    """From (n, before, width) to (n, after, width): sums of tokens with learned weights."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.randn(after, before) / math.sqrt(before))

    def forward(self, tokens: Tensor) -> Tensor:
        return self.weights @ tokens


class Members(nn.Module):
    """Multilayer perceptrons that share their hidden layers, from tokens (n, columns, width) to (n, members, outputs).

    Members differ by a factor for each input and by the last layer: TabM-mini (Gorishniy et al. 2025). The factors of a
    column begin equal.
    """

    def __init__(
        self, columns: int, width: int, hidden: Sequence[int], members: int, dropout: float, outputs: int
    ) -> None:
        super().__init__()
        factors = torch.randn(members, columns) if members > 1 else torch.ones(1, columns)
        self.factors = nn.Parameter(factors.repeat_interleave(width, dim=1))
        layers: list[nn.Module] = []
        for before, after in pairwise([columns * width, *hidden]):
            layers += [nn.Linear(before, after), nn.SiLU(), nn.Dropout(dropout)]
        self.shared = nn.Sequential(*layers)
        bound = 1 / math.sqrt(hidden[-1])
        self.heads = nn.Parameter(torch.empty(members, hidden[-1], outputs).uniform_(-bound, bound))
        self.biases = nn.Parameter(torch.zeros(members, 1, outputs))

    def forward(self, tokens: Tensor) -> Tensor:
        each = tokens.flatten(1) * self.factors[:, None]
        return torch.baddbmm(self.biases, self.shared(each), self.heads).transpose(0, 1)


class Mean(nn.Module):
    """The mean of members (n, members, outputs) once they are trained; until then they stay apart.

    One output is a number. Several are logits: the result is the logarithm of the members' mean probability.
    """

    def forward(self, said: Tensor) -> Tensor:
        if self.training:
            return said
        if said.shape[2] == 1:
            return said.mean(dim=1)
        return said.log_softmax(dim=2).logsumexp(dim=1) - math.log(said.shape[1])


def convolution(before: int, after: int, kernel: int, *, stride: int = 1, pool: bool = False) -> list[nn.Module]:
    convolution = nn.Conv2d(before, after, kernel, stride=stride, padding=kernel // 2, bias=False)
    pooling = [nn.MaxPool2d(2, ceil_mode=True)] if pool else []
    return [convolution, *pooling, _without_count(nn.BatchNorm2d(after)), nn.ReLU()]


def volume_convolution(before: int, after: int, *, stride: tuple[int, int, int]) -> list[nn.Module]:
    """The same over time and space, of 3 frames and 3 × 3 pixels."""
    convolution = nn.Conv3d(before, after, 3, stride=stride, padding=1, bias=False)
    return [convolution, _without_count(nn.BatchNorm3d(after)), nn.ReLU()]


def series_convolution(before: int, after: int, kernel: int) -> list[nn.Module]:
    """The same over time, of an odd number of steps."""
    convolution = nn.Conv1d(before, after, kernel, padding=kernel // 2, bias=False)
    return [convolution, _without_count(nn.BatchNorm1d(after)), nn.ReLU()]


def _without_count(norm: nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d) -> nn.Module:
    """Batch norm counts batches for a mode not used here; without that all tensors are float32 and can be averaged."""
    norm.num_batches_tracked = None
    return norm
