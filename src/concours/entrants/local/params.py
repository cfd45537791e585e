"""What is said of a language model in a folder: how it is asked, and run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from concours.entrants.endpoints.params import Asking


@dataclass(frozen=True, kw_only=True)
class Local(Asking):
    """The parameters of `transformers:FOLDER` and `hf:NAME`.

    Attributes:
        temperature: by default 0: the most probable word each time.
        batch: how many texts are read at once. What comes of it does not hang on that, but for rounding.
        dtype: of the numbers it computes with; 16-bit ones take half the memory, and round more.
    """

    temperature: float = 0.0
    batch: int = 16
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"

    LEAST: ClassVar[Mapping[str, int]] = {**Asking.LEAST, "batch": 1}

    def amiss(self) -> str:
        """What is wrong between its values, which types do not tell."""
        if self.top_p is not None and not 0 < self.top_p <= 1:
            return f"top_p: a share above 0, up to 1, got {self.top_p}"
        if self.samples > 1 and self.temperature == 0:
            return "samples: without a temperature above 0 all samples are the same; give one, or ask once"
        return super().amiss()
