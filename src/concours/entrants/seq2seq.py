"""A model of Hugging Face that says a text of a text: it translates, or sums up, and is fine-tuned here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from concours.core.errors import RecipeError
from concours.entrants.architectures import config_of, kind_of, loaded
from concours.entrants.attending import NO_WORD, Looked, words_of
from concours.entrants.beginnings import Beginning, take
from concours.entrants.estimator import NeuralEstimator
from concours.entrants.inputs import weights_of
from concours.entrants.losses import Loss
from concours.entrants.nbest import nbest, paired, said
from concours.entrants.tokens import Tokens
from concours.entrants.told import told_by
from concours.entrants.training import Settings
from concours.entrants.translators import surprise

Array = NDArray[Any]

_NO_TOKEN = -1
_WIDTH = 128
_ROWS = 8


class PretrainedSeq2Seq(NeuralEstimator):
    """A transformer that was trained on other texts before, of the kind that reads one and says one, fine-tuned.

    It begins from a folder of Hugging Face, of any architecture of which `transformers` has a model from sequence to
    sequence: T5, BART, Marian, and so on. Its code is the library's, and nothing of the folder is run; the tokenizer is
    that of `tokenizer.json`. Kept with the weights are configuration and tokenizer, so that a fitted model needs the
    folder no more.

    `length`: the most tokens that are read of a text. `longest`: the most that are said. `beam`: how many texts are
    said of each. `before`: what is put before each text, such as `"summarize: "` of a T5. `learning_rate`: where it is
    None, 5e-4 at a width of 128, and in inverse proportion to the width. Fitted besides what others have: `config_`,
    `tokens_`, `read_` and `told_`, how many tokens a source and a target have.
    """

    _learning_rate: ClassVar[float] = 5e-4
    _effort: ClassVar[float] = 20.0
    begins: ClassVar[tuple[str, ...]] = ("folder",)
    begins_anew: ClassVar[bool] = False
    divides = False

    def __init__(
        self,
        *,
        length: int = 256,
        longest: int = 64,
        beam: int = 4,
        before: str = "",
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.length = length
        self.longest = longest
        self.beam = beam
        self.before = before
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to texts `X` (n,) and what they become, one text each or several, by weights, (n,) and 1 on average."""
        beginning = Beginning.given(self)
        own = told_by(beginning.files)
        if "tokens" not in own:
            raise RecipeError(f"begin: {beginning.name} is no model of texts: it has no tokenizer.json")
        self.config_, self.tokens_ = dict(own["config"]), Tokens(own["tokens"])
        sources, targets, weights = paired(X, y, sample_weight)
        read = self._tokens(sources, self.length, self.before)
        told = [self._ended(row) for row in self._tokens(targets, self.longest)]
        self.read_, self.told_ = max(map(len, read)), max(map(len, told))
        rows = np.hstack([_filled(read, self.read_), _filled(told, self.told_)])
        counts = np.asarray([len(row) for row in told], dtype=np.float32)
        self._fit(rows, counts, 1, weights_of(weights))
        return self

    @torch.inference_mode()
    def predict(self, X: ArrayLike) -> pa.Array:
        """At most `beam` texts a row."""
        check_is_fitted(self, "network_")
        texts = said(X)
        read = self._tokens(texts, self.read_, self.before)
        order = np.argsort([len(row) for row in read], kind="stable")
        found: list[list[tuple[str, float]]] = [[] for _ in texts]
        for start in range(0, len(order), _ROWS):
            some = order[start : start + _ROWS].tolist()
            numbers = torch.tensor(_filled([read[row] for row in some], max(len(read[row]) for row in some)))
            for row, told in zip(some, self.network_.said(numbers, self.beam, self.told_ + 1), strict=True):
                found[row] = [(self.tokens_.text(each), worth) for each, worth in told]
        return nbest([list(dict(reversed(row)).items())[::-1] for row in found], instead=texts)

    @torch.inference_mode()
    def looked(self, text: str, said: str) -> Looked:
        """Where the network looks, if it reads this and says that (`entrants.attending`)."""
        source, read = self.tokens_.placed(self.before + text, self.read_)
        target, told = self.tokens_.placed(said, self.told_)
        own = [(begin - len(self.before), end - len(self.before)) for begin, end in read]
        weights = self.network_.attention(torch.tensor([source]), torch.tensor([target]))
        return Looked(
            weights=weights.double().cpu().numpy(),
            said=words_of(said, told),
            read=[word if begin >= 0 else NO_WORD for word, (begin, _) in zip(words_of(text, own), own, strict=True)],
        )

    def get_state(self) -> dict[str, Any]:
        own = {"config": self.config_, "tokens": dict(self.tokens_.told), "read": self.read_, "told": self.told_}
        return {**super().get_state(), **own}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.config_, self.tokens_ = dict(state["config"]), Tokens(state["tokens"])
        self.read_, self.told_ = state["read"], state["told"]
        return super().set_tensors(tensors, state)

    def _tokens(self, texts: list[str], most: int, before: str = "") -> list[list[int]]:
        return self.tokens_.of([before + text for text in texts], most)

    def _ended(self, numbers: list[int]) -> list[int]:
        """With the token that ends a text behind the others, where the tokenizer puts none there."""
        end = self.config_.get("eos_token_id")
        return numbers if not isinstance(end, int) or end in numbers else [*numbers[: self.longest - 1], end]

    def _usual_rate(self) -> float:
        width = getattr(config_of(self.config_, pad=self.tokens_.pad), "hidden_size", None)
        return self._learning_rate * _WIDTH / width if isinstance(width, int) else self._learning_rate

    def _shape_network(self) -> dict[str, Any]:
        return {"read": self.read_}

    def _learn_scaling(self, network: Any, rows: Array) -> None:
        """Numbers of tokens have no scale."""

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        del targets, settings, weights
        return surprise, surprise

    def _made(self) -> Any:
        from transformers import AutoModelForSeq2SeqLM

        config = config_of(self.config_, pad=self.tokens_.pad)
        kind_of(AutoModelForSeq2SeqLM, config)  # which says what is wrong, where it is of another kind
        model = AutoModelForSeq2SeqLM.from_config(config, dtype=torch.float32)
        return Saying(model, self.read_, self.tokens_.pad)

    def _give(self, beginning: Beginning, network: Any) -> None:
        name = f"begin: {beginning.name}"
        whole, lacking = loaded(type(network.model), network.model.config, beginning.tensors, name)
        if lacking:
            raise RecipeError(f"{name} lacks {len(lacking)} tensors, {min(lacking)} first")
        take(network.model, dict(whole.state_dict()), beginning.name)


class Saying(nn.Module):
    """A model of transformers from sequence to sequence as the zoo's translators are: from rows (n, read + told) of the
    tokens of a source and a target to the sum of surprises by the target's, (n, 1).
    """

    def __init__(self, model: Any, read: int, pad: int) -> None:
        super().__init__()
        self.model, self.read, self.pad = model, read, pad
        self.register_buffer("sharpness", torch.ones(()))
        self.sharpness: Tensor

    def forward(self, rows: Tensor) -> Tensor:
        source, target = rows[:, : self.read], rows[:, self.read :]
        target = target[:, : int((target != _NO_TOKEN).sum(dim=1).max())]
        labels = target.masked_fill(target == _NO_TOKEN, -100)
        logits = self.model(**self._of(source), labels=labels).logits
        logs = logits.log_softmax(dim=2).gather(2, labels.clamp(min=0)[:, :, None])[:, :, 0]
        return -(logs * (labels >= 0)).sum(dim=1, keepdim=True)

    def attention(self, source: Tensor, target: Tensor) -> Tensor:
        """How much each token of a source (1, read) is looked at where each of a target (1, told) is said: the mean
        over the heads of the last layer but one, (told, read) (Garg et al. 2019).
        """
        usual, device = self.model.config._attn_implementation, next(self.parameters()).device
        self.model.set_attn_implementation("eager")  # which alone tells it
        try:
            told = self.model(**self._of(source.to(device)), labels=target.to(device), output_attentions=True)
        finally:
            self.model.set_attn_implementation(usual)
        layers = told.cross_attentions
        found: Tensor = layers[max(0, len(layers) - 2)][0].mean(dim=0)
        return found

    def said(self, source: Tensor, beam: int, longest: int) -> list[list[tuple[list[int], float]]]:
        """Of each source (n, length) at most `beam` targets with their worth, the best first."""
        told = self.model.generate(
            **self._of(source.to(next(self.parameters()).device)),
            num_beams=beam,
            num_return_sequences=beam,
            max_new_tokens=longest,
            do_sample=False,
            early_stopping=True,
            output_scores=True,
            return_dict_in_generate=True,
        )
        worth = told.sequences_scores.tolist() if beam > 1 else [0.0] * len(told.sequences)
        each = list(zip(told.sequences.tolist(), worth, strict=True))
        return [each[start : start + beam] for start in range(0, len(each), beam)]

    def _of(self, source: Tensor) -> dict[str, Tensor]:
        there = source != _NO_TOKEN
        wide = max(1, int(there.sum(dim=1).max()))
        source, there = source[:, :wide], there[:, :wide]
        return {"input_ids": source.masked_fill(~there, self.pad), "attention_mask": there.long()}


def _filled(rows: list[list[int]], width: int) -> NDArray[np.int64]:
    found = np.full((len(rows), width), _NO_TOKEN, dtype=np.int64)
    for place, row in zip(found, rows, strict=True):
        place[: len(row)] = row[:width]
    return found
