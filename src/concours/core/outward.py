"""Parameters of libraries that name files, addresses or commands: with these an estimator does more than compute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from concours.core.digests import digest_bytes
from concours.core.objects import is_file

OUTWARD: Mapping[str, frozenset[str]] = {
    library: frozenset(names.split())
    for library, names in {
        "sklearn": "input memory",
        "lightgbm": "config config_file convert_model convert_model_file data data_filename forced_splits "
        "forced_splits_file forced_splits_filename forcedbins_filename forcedsplits_filename fs init_score "
        "init_score_file init_score_filename initscore initscore_filename input_init_score input_model "
        "is_save_binary is_save_binary_file local_listen_port local_port machine_list machine_list_file "
        "machine_list_filename machines mlist model_in model_input model_out model_output name_pred nodes "
        "num_machine num_machines output_model output_result parser_config_file port pred_name predict_name "
        "predict_result prediction_name prediction_result save_binary save_period snapshot_freq task task_type test "
        "test_data test_data_file train train_data train_data_file valid valid_data valid_data_file "
        "valid_data_init_scores valid_data_initscores valid_filenames valid_init_score valid_init_score_file "
        "valid_initscore_filename workers",
        "xgboost": "callbacks cache_prefix data dmlc_communicator dmlc_nccl_path dmlc_task_id dmlc_tracker_port "
        "dmlc_tracker_uri eval_path model_dir model_in model_out name_dump name_fmap name_pred plugin xgb_model",
        "catboost": "allow_writing_files baseline callback callbacks cd column_description eval_file_name "
        "feature_names_path file_with_hosts fstr_internal_file fstr_regular_file graph hosts ignored_features_file "
        "init_model input_borders input_borders_file input_path json_log learn_error_log learn_pairs learn_set "
        "model_file node_port node_type output_borders output_borders_file output_path pairs params_file plot_file "
        "pool_metainfo_path precomputed_data profile profile_log result_model_file roc_file save_snapshot "
        "snapshot_file snapshot_interval test_error_log test_pairs test_set time_left_log train_dir "
        "training_options_file",
    }.items()
}
"""By library, under all names that it knows them by."""

_ALL = frozenset(name for names in OUTWARD.values() for name in names)
_HARMLESS = {"input": "content"}
"""A value that names nothing, of a parameter that may."""
_BOOSTERS = ("concours.entrants.boosters:", "concours.entrants.rankers:")
_GRIDS = ("param_grid", "param_distributions")
_LONG = 100
_BREAKS = frozenset(" =#\t\n\r\f\v")


def outward(recipe: str, params: Mapping[str, Any]) -> Iterator[str]:
    """Those of written parameters that name something outside, as `name = value of recipe`; those of parts too.

    A parameter of a part, `step__name`, counts by the names of all libraries, as what the step is may not be known. So
    do the choices of a grid. What a file's own class is given is its own affair.
    """
    library = _library(recipe)
    own = OUTWARD.get(library, frozenset() if library in ("", "concours", "torch") else _ALL)
    for name, value in _pairs(params):
        last = name.rpartition("__")[2]
        hidden = library == "lightgbm" and any(_BREAKS & set(text) for text in (name, *_texts(value)))
        positional = name == "$args" and library not in ("", "torch") and value
        if positional or hidden or (last in (own if last == name else _ALL) and not _names_nothing(last, value)):
            yield f"{name} = {_short(value)} of {recipe}"
        if last in _GRIDS:
            yield from _of_grid(recipe, value)
        if name == "params" and library in OUTWARD and isinstance(value, Mapping):
            yield from outward(recipe, value)
        yield from _of_parts(value)


def _library(recipe: str) -> str:
    """Whose names count: of our own boosters, the library behind them; of a file, none."""
    if recipe.startswith(_BOOSTERS):
        return next((known for known in OUTWARD if recipe.rpartition(":")[2].lower().startswith(known)), "")
    return "" if is_file(recipe) else recipe.partition(":")[0].partition(".")[0]


def _pairs(params: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Names and values of a written mapping, in either of its forms."""
    written = params.get("$items")
    pairs = written if isinstance(written, (list, tuple)) else params.items()
    return [(str(name), value) for name, value in pairs]


def _names_nothing(name: str, value: Any) -> bool:
    return value is None or value is False or value == "" or _HARMLESS.get(name) == value


def _short(value: Any) -> str:
    """A value as it is written in Python; of a long one the beginning, and a digest of the whole."""
    text = ascii(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}… {digest_bytes(text.encode())}"


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value. LightGBM takes its parameters as one text, `name=value name=value`, so that what has blanks
    or = in it says more than its name."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)


def _of_grid(recipe: str, grid: Any) -> Iterator[str]:
    if isinstance(grid, (list, tuple)):
        for part in grid:
            yield from _of_grid(recipe, part)
    elif isinstance(grid, Mapping):
        for name, choices in _pairs(grid):
            each = choices if isinstance(choices, (list, tuple)) else [choices]
            yield from (text for choice in each for text in outward(recipe, {f"grid__{name}": choice}))


def _of_parts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if "$recipe" in value or "$function" in value:
            reference = str(value.get("$recipe", value.get("$function")))
            given = value.get("params", {})
            args = {"$args": value["args"]} if value.get("args") else {}
            yield from outward(reference, {**(given if isinstance(given, Mapping) else {}), **args})
            return
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _of_parts(item)
