"""A sequence classifier of Hugging Face that is fine-tuned by the library's own `Trainer`, with its own arguments."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from torch import Tensor

from concours.core.errors import nearest
from concours.entrants.inputs import check_lengths
from concours.entrants.pretrained import PretrainedClassifier
from concours.entrants.training import History, find_device, hold_out, outputs, seeded

Array = NDArray[Any]

_OURS = {
    "report_to": "none",
    "save_strategy": "no",
    "logging_strategy": "epoch",
    "disable_tqdm": True,
    "remove_unused_columns": False,
    "dataloader_num_workers": 0,
    "dataloader_pin_memory": False,
}
"""Arguments that are not a user's to choose: nothing is written, sent, or loaded by other processes."""


class TrainerClassifier(PretrainedClassifier):
    """As `concours.entrants.pretrained.PretrainedClassifier`, trained by `transformers.Trainer`.

    `arguments` are those of `transformers.TrainingArguments` by their names, such as `weight_decay`, `warmup_ratio`,
    `lr_scheduler_type` or `gradient_accumulation_steps`; what says where something is written, sent or saved is ours to
    choose. Epochs and rate, where none are given, are the usual ones of `pretrained`. Rows are held out to calibrate
    by, and none to stop by. An interrupted fit begins anew.
    """

    divides: ClassVar[bool] = False

    def __init__(
        self,
        *,
        length: int = 128,
        epochs: int | None = None,
        learning_rate: float | None = None,
        arguments: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(length=length, epochs=epochs, learning_rate=learning_rate, random_state=random_state)
        self.arguments = arguments

    def _fit(self, rows: Array, targets: Array, width: int, weights: Array | None = None) -> None:
        check_lengths(rows, targets)
        settings, device = self._settings(len(rows)), find_device("auto")
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        alike = self.__dict__.pop("_alike", None)
        first = seed if alike is None else alike
        held = hold_out(targets, settings.validation_share, first, kin=self._told_kin())
        self._set_shape(rows.shape[1:])
        self.architecture_ = {"shape": list(self.input_shape_), "outputs": width}
        with seeded(seed, device):
            with seeded(first, device):
                network = self._made()
            with torch.no_grad():
                self._give(self.__dict__.pop("_beginning"), network)
                network.sharpness.fill_(1.0)
            own = {
                "num_train_epochs": settings.epochs,
                "per_device_train_batch_size": min(settings.batch_size, 32),
                "learning_rate": settings.learning_rate,
                "use_cpu": device.type == "cpu",
                "seed": seed,
            }
            lost = _trained(network, _Rows(rows[~held], targets[~held], None if weights is None else weights[~held]),
                            {**own, **self._chosen()})  # fmt: skip
        self.network_ = network.eval()
        self.history_ = History(
            train_loss=tuple(lost), validation_loss=(), learning_rate=(), best_epoch=len(lost), stopped="epochs"
        )
        if held.any():
            told = [torch.tensor(each[held]) for each in (targets, *([] if weights is None else [weights]))]
            self._calibrate(outputs(self.network_, torch.tensor(rows[held], device=device)), *told)

    def _chosen(self) -> dict[str, Any]:
        """The user's arguments. Raises ValueError for what is none, or not to be chosen."""
        from dataclasses import fields

        from transformers import TrainingArguments

        chosen = dict(self.arguments or {})
        known = [field.name for field in fields(TrainingArguments) if field.name not in _KEPT_FROM]
        for name in chosen:
            if name not in known:
                raise ValueError(f"arguments: {name!r} is not to be chosen here; {nearest(name, known)}")
        return chosen


_KEPT_FROM = frozenset(
    {
        *_OURS,
        *("output_dir", "logging_dir", "push_to_hub", "hub_model_id", "hub_token", "hub_strategy", "run_name"),
        *("seed", "data_seed", "use_cpu", "do_eval", "eval_strategy", "resume_from_checkpoint", "deepspeed", "fsdp"),
    }
)
"""Names of arguments that nobody chooses: where something goes, what a contest decides, and who else computes."""


class _Rows(torch.utils.data.Dataset[dict[str, Tensor]]):
    """Rows of tokens with their classes and weights, as the trainer takes them."""

    def __init__(self, rows: Array, targets: Array, weights: Array | None) -> None:
        self._columns = {"tokens": torch.tensor(rows), "labels": torch.tensor(targets)}
        if weights is not None:
            self._columns["weights"] = torch.tensor(weights)

    def __len__(self) -> int:
        return len(self._columns["labels"])

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        return {name: column[row] for name, column in self._columns.items()}


def _trained(network: Any, rows: _Rows, arguments: Mapping[str, Any]) -> list[float]:
    """Trains the network in place; returns the mean loss of each epoch."""
    from transformers import Trainer, TrainingArguments
    from transformers.trainer_callback import PrinterCallback

    class Weighing(Trainer):  # type: ignore[misc]  # its loss knows weights of rows
        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_more: Any) -> Any:
            said = model(inputs["tokens"])
            each = torch.nn.functional.cross_entropy(
                said, inputs["labels"], reduction="none", label_smoothing=self.args.label_smoothing_factor
            )
            loss = (each * inputs["weights"]).mean() if "weights" in inputs else each.mean()
            return (loss, said) if return_outputs else loss

    with tempfile.TemporaryDirectory() as aside:
        told = TrainingArguments(output_dir=aside, **_OURS, **arguments)
        trainer = Weighing(model=network, args=told, train_dataset=rows)
        with suppress(ValueError):
            trainer.remove_callback(PrinterCallback)
        trainer.train()
    return [float(each["loss"]) for each in trainer.state.log_history if "loss" in each]
