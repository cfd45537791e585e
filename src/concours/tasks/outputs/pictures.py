"""Pictures that are drawn: targets and predictions are uint8 arrays (rows, height, width, channels) of one size.

Nobody can say which picture a row should have: a prediction is a sample, and samples are judged together.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.kernels.joining.mixture import mixed, mixing, mixture_weights
from concours.kernels.rows.conditions import Conditions
from concours.kernels.scoring.frechet import frechet_distance
from concours.kernels.scoring.reference import Reference
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.pictures import MEASURES, Clouds
from concours.tasks.outputs.output import Encoded, Join, OutputKind, Values, form_of
from concours.tasks.predicted import Given

if TYPE_CHECKING:
    from concours.tasks.task import Task

_ADDRESS: Final = "data:image/png;base64,"
_FEWEST = 10
_MOST = 5_000
"""Pictures of either part at most, by which it is told how far real ones are from real ones."""


@dataclass(frozen=True, kw_only=True)
class PicturesOutput(OutputKind):
    """Pictures of one size.

    Attributes:
        shape: height, width, channels.
        reference: the network in whose features they are compared, as a text (`kernels.scoring.reference`).
    """

    name: ClassVar[str] = "pictures"
    task = "a task of drawing"
    estimator = "predictor"
    metrics = ("frechet", "precision", "recall")
    joins: ClassVar[Mapping[str, Join]] = {"mixture": mixed}
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = MEASURES
    can: ClassVar[Mapping[str, str]] = {"weigh": "mixture", "draw": "drawn"}
    by_rows = "apart"
    texts = True
    separate = True
    shape: tuple[int, ...] = ()
    reference: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))

    @property
    def said(self) -> str:
        height, width, channels = self.shape
        return f"pictures of {width} × {height} pixels, {'grey' if channels == 1 else 'in colour'}"

    @property
    def width(self) -> int:
        return int(np.prod(self.shape))

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Pictures (rows, height, width, channels) of uint8."""
        del task
        y = np.asarray(y)
        y = y[..., None] if y.ndim == 3 else y
        if y.ndim != 4 or y.dtype != np.uint8 or y.shape[3] not in (1, 3):
            raise DataError(
                f"{name}: pictures of one size were expected, uint8 (rows, height, width[, 3]), got {y.dtype} of shape "
                f"{y.shape}"
            )
        if len(y) < _FEWEST:
            raise DataError(
                f"{name}: {len(y)} pictures are too few to learn to draw such; {_FEWEST} at least are needed"
            )
        if (y == y[:1]).all():
            raise DataError(f"{name}: all {len(y)} pictures are the same; there is nothing to learn")
        return y

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """As they are."""
        del task, name, meta
        return Encoded(output=cls(shape=y.shape[1:]), values=y)

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """As they are, if they are of the same size."""
        if y.shape[1:] != self.shape:
            raise DataError(f"{name}: {self.said} were expected, got pictures of shape {y.shape[1:]}")
        return y, ()

    def learned(
        self, x: Any, y: Values, rows: NDArray[np.int64], test: Values | None
    ) -> tuple[PicturesOutput, tuple[str, ...]]:
        """With a reference network, which has seen no picture that judges; and what it is, in words."""
        texts, y = x.take(pa.array(rows)).to_pylist(), y[rows]
        reference = Reference.fitted(y, Conditions.among(texts).of(texts))
        found = replace(self, reference=reference.text)
        told = found.compared(y, y if test is None else test)
        line = (
            f"reference network {told['network']}: {reference.features} features by {len(reference.filters)} patches "
            f"of {len(y):,} training pictures; the Fréchet distance of real pictures from real ones is "
            f"{told['real']:.4g}"
        )
        return found, (line,)

    def compared(self, known: Values, y: Values) -> dict[str, Any]:
        """`network`, the beginning of its digest; `features`; `known`, how many pictures it is of; and `real`, the
        Fréchet distance of real pictures from real ones: of as many that were fitted on, spread evenly, or of halves
        of these where no others are there.
        """
        reference = Reference.of_text(self.reference)
        count = min(len(known) // 2 if y is known else len(y), len(known), _MOST)
        places = np.linspace(0, len(known) - 1, 2 * count if y is known else count).astype(int)
        some, other = (known[places[::2]], known[places[1::2]]) if y is known else (known[places], y[:count])
        real = frechet_distance(reference.of(some), reference.of(other))
        about = {"network": reference.digest[7:19], "features": reference.features, "known": len(known)}
        return {**about, "real": round(real, 6)}

    def accepted(self, p: Values, rows: int) -> Values:
        """Pictures of the shape, from 0 to 255; rounded, and cut off at both ends."""
        wanted = (rows, *self.shape)
        if not isinstance(p, np.ndarray) or p.dtype.kind not in "fiu" or p.shape != wanted:
            raise DataError(
                f"predictions must be pictures of values from 0 to 255, of shape {wanted}, got {form_of(p)}"
            )
        if p.dtype == np.uint8:
            return p
        finite = np.isfinite(p).reshape(rows, -1).all(axis=1)
        if not finite.all():
            raise DataError(f"predictions must be finite; row {int(np.argmin(finite))} is not")
        return np.clip(np.rint(p), 0, 255).astype(np.uint8)

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """The mean picture."""
        return np.rint(np.average(y, axis=0, weights=weights)).astype(np.uint8)[None]

    def spread(self, y: Values, test: Values | None) -> dict[str, Any]:
        """Of how bright pictures are, from 0 to 1."""
        from concours.kernels.scoring.spread import spread

        def bright(pictures: Values) -> NDArray[np.float64]:
            return np.asarray(pictures.reshape(len(pictures), -1).mean(axis=1) / 255)

        return {**spread(bright(y), None if test is None else bright(test)), "of": "brightness"}

    def weighed(self, rule: str, members: Sequence[Values], y: Values, of_rows: NDArray[np.float64] | None) -> Any:
        """The weights of the nearest mixture."""
        del rule
        network = Reference.of_text(self.reference)
        return mixture_weights([network.of(member) for member in members], network.of(y), of_rows)

    def scoring(
        self, rule: str, members: Sequence[Values], y: Values, metric: Metric, of_rows: NDArray[np.float64] | None
    ) -> Callable[[NDArray[np.float64]], float]:
        """Features are those of members, of whom each row has one: they are found once, whatever the weights."""
        way = metric.way
        if not isinstance(way, Clouds):
            return super().scoring(rule, members, y, metric, of_rows)
        kept, whose, rows = np.stack([way.keep(y, one) for one in members]), mixing(members), np.arange(len(y))
        return lambda weights: way.of_kept(kept[whose(weights), rows], of_rows)

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """Pictures (rows, height, width, channels)."""
        del weights
        return p

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, a PNG as an address with its content, which a browser opens."""
        del weights, proba
        return {"prediction": pa.array(self.written(p), pa.string())}

    def files(self, p: Values) -> list[tuple[str, bytes]]:
        """A PNG a row, with its ending."""
        return [(".png", _png(one)) for one in p]

    def given(self, table: pa.Table, name: str) -> Given:
        """The column `prediction`, as `columns` writes it."""
        if "prediction" not in table.column_names:
            raise DataError(f"{name}: a column 'prediction' of pictures was expected, each as {_ADDRESS}…")
        found = [self._read(text, name, row) for row, text in enumerate(table["prediction"].to_pylist(), 1)]
        return Given(named=np.stack(found) if found else np.empty((0, *self.shape), np.uint8))

    def written(self, values: Values) -> list[str]:
        """Addresses with their content."""
        return [_ADDRESS + base64.b64encode(_png(one)).decode() for one in values]

    def _read(self, text: Any, name: str, row: int) -> NDArray[np.uint8]:
        from PIL import Image

        try:
            content = base64.b64decode(str(text).removeprefix(_ADDRESS), validate=True)
            with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
                height, width, channels = self.shape
                if picture.size == (width, height):
                    return np.asarray(picture.convert("L" if channels == 1 else "RGB")).reshape(self.shape)
                said = f"is of {picture.size[0]} × {picture.size[1]} pixels"
        except (binascii.Error, OSError, ValueError):
            said = "is none"
        raise DataError(f"{name}: row {row}: {self.said} were expected, each as {_ADDRESS}…; this {said}")


def _png(picture: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture).save(content, "PNG")
    return content.getvalue()
