"""`concours merge`."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from concours.cli.run import STOPPED, hold, typed_words
from concours.cli.terminal import console, say
from concours.core.errors import ContestError

if TYPE_CHECKING:
    from concours.api.merging.merge import Merged


class Devices(StrEnum):
    """Where it is computed."""

    cpu = "cpu"
    cuda = "cuda"


class Dtypes(StrEnum):
    """Floating numbers."""

    float64 = "float64"
    float32 = "float32"
    float16 = "float16"
    bfloat16 = "bfloat16"


def _of_method(words: str, *names: str) -> Any:
    """An option of the methods that have it: which these are, their signatures say, and a test compares."""
    return typer.Option(*names, help=words, show_default=False)


def merge(
    context: typer.Context,
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="CONFIG.yaml OUT | MODEL…",
            help="A merge as mergekit's YAML describes it, and the folder to write; or, with --method, the models: "
            "folders with safetensors, or names of Hugging Face.",
        ),
    ],
    method: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="How to merge the models that are named: linear, slerp, task_arithmetic, ties, dare_linear, "
            "dare_ties, breadcrumbs, breadcrumbs_ties, model_stock, karcher, passthrough.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="DIR", help="The folder to write.")] = None,
    base: Annotated[str | None, typer.Option(metavar="MODEL", help="The model that the others come from.")] = None,
    device: Annotated[Devices, typer.Option(help="Where it is computed.")] = Devices.cpu,
    dtype: Annotated[
        Dtypes | None, typer.Option(help="Floating numbers to write.", show_default="that of the models")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(
            metavar="CONTEST.toml", help="Put the merged model on the board of this contest, with its parents."
        ),
    ] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Run what that contest names of code.")] = False,
    weights: Annotated[
        str | None, _of_method("How much each model counts: `0.7,0.3`, or one number for all; else all alike.")
    ] = None,
    density: Annotated[
        str | None,
        _of_method("Which share of what each model has changed stays (ties, dare, breadcrumbs)."),
    ] = None,
    gamma: Annotated[str | None, _of_method("Which share of it, the greatest, is left out (breadcrumbs).")] = None,
    t: Annotated[float | None, _of_method("From the first model, 0, to the second, 1 (slerp).")] = None,
    lambda_: Annotated[
        float | None, _of_method("How much of what was learned is added to the base.", "--lambda")
    ] = None,
    normalize: Annotated[
        bool | None, _of_method("Divide by the sum of the weights, or not.", "--normalize/--no-normalize")
    ] = None,
    rescale: Annotated[
        bool | None,
        _of_method("Make what stays as much larger as its share is smaller, or not (dare).", "--rescale/--no-rescale"),
    ] = None,
    scale: Annotated[float | None, _of_method("What tensors are multiplied by (passthrough).")] = None,
    max_iter: Annotated[int | None, _of_method("Steps at most (karcher).")] = None,
    tol: Annotated[float | None, _of_method("It stops at shorter steps, in radians (karcher).")] = None,
) -> None:
    """Merge models of one architecture by their weights, into a folder with a model, its tokenizer and its card."""
    from concours.api.merging.asked import wish_of_file, wish_of_words

    given = {
        "weights": weights, "density": density, "gamma": gamma, "t": t, "lambda": lambda_, "normalize": normalize,
        "rescale": rescale, "scale": scale, "max_iter": max_iter, "tol": tol,
    }  # fmt: skip
    options = {name: value for name, value in given.items() if value is not None}
    form = dtype.value if dtype else None
    if method is None:
        wish, to = wish_of_file(models, out, base, form, options)
    else:
        wish, to = wish_of_words(method, models, out, base, form, options)
    if check is not None and not check.is_file():
        raise ContestError(f"--check {check}: there is no such contest file")
    from concours.api.merging.merge import merge as merged

    if check is not None:
        from concours.api.merging.check import checking  # the library of contests takes seconds to import

        checking(check, to, {})  # a contest that cannot be held is known before anything is merged
    began = time.monotonic()
    try:
        with console(stderr=True).status("reading") as status:
            made = merged(wish, to, device=device.value, again=check is not None, told=_counting(status))
    except KeyboardInterrupt:
        say("", f"stopped; what is made is kept, and the same command goes on: {typed_words()}", err=True)
        raise typer.Exit(STOPPED) from None
    _print(made, time.monotonic() - began)
    if check is not None:
        _check(context, check, made, trust)


def _counting(status: Any) -> Any:
    done = 0

    def told(_: Any, of: int) -> None:
        nonlocal done
        done += 1
        status.update(f"{done:,} of {of:,} tensors")

    return told


def _print(made: Merged, seconds: float) -> None:
    for note in made.notes:
        say(f"  {note}")
    went_on = f", {made.before:,} of which an earlier run had made" if made.before else ""
    say(f"{made.out}: {made.tensors:,} tensors, {_sized(made.bytes)} in {seconds:.1f} s{went_on}")


def _sized(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.2f} MB"


def _check(context: typer.Context, contest: Path, made: Merged, trust: bool) -> None:
    from concours.api.merging.check import checking
    from concours.cli.asking import ask_once

    board = checking(contest, made.out, made.parents)
    ask_once(contest, board.named(), trust)
    hold(board, as_json=False, began=context.obj())
