"""What is asked about before it runs: all but an exact list, wherever it is named, and parameters that lead outside."""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.asked import asked_of_metrics, asked_of_recipe, shown, wrong_name
from concours.core.known import FUNCTIONS, METRICS, PARTS, RECIPES, TYPES
from concours.core.outward import OUTWARD, outward

TREE = "sklearn.tree:DecisionTreeClassifier"
PIPELINE = "sklearn.pipeline:Pipeline"
LIGHTGBM, ZOOS = "lightgbm:LGBMClassifier", "concours.entrants.boosters:LightGBMClassifier"


@pytest.mark.parametrize(
    ("params", "asked"),
    [
        ({"C": 1.0, "steps": [["a", {"$recipe": "sklearn.preprocessing:StandardScaler", "params": {}}]]}, set()),
        ({"func": {"$function": "numpy:log1p"}, "dtype": {"$class": "numpy:float32"}}, set()),
        ({"score_func": {"$function": "sklearn.feature_selection:f_classif"}}, set()),
        ({"func": {"$function": "scipy.special:expit"}}, set()),
        ({"cv": {"$recipe": "sklearn.model_selection:KFold", "params": {"n_splits": 3}}}, set()),
        ({"func": {"$function": "numpy:load"}}, {"numpy:load"}),
        ({"func": {"$function": "numpy:absent"}}, {"numpy:absent"}),
        ({"func": {"$function": "numpy.testing:runstring"}}, {"numpy.testing:runstring"}),
        ({"func": {"$function": "sklearn.datasets:fetch_openml"}}, {"sklearn.datasets:fetch_openml"}),
        ({"steps": [["a", {"$recipe": "sklearn.datasets:load_files"}]]}, {"sklearn.datasets:load_files"}),
        ({"deep": [{"$recipe": "elsewhere:Thing", "params": {"x": {"$class": "other:Kind"}}}]}, {"elsewhere:Thing", "other:Kind"}),
        ({"func": {"$function": "mine.py:shift"}}, {"mine.py:shift"}),
    ],
)  # fmt: skip
def test_parts(params, asked):
    """Classes on the list, and functions that only compute, run without asking; all else is named."""
    assert asked_of_recipe(PIPELINE, params) == asked


@pytest.mark.parametrize("known", sorted(RECIPES)[::9])
def test_a_list_and_not_beginnings(known):
    """What only begins like a known name, lies beside it or below it is asked about."""
    module, _, name = known.partition(":")
    others = [
        f"{known}x",
        f"{known}.fit",
        f"{module}.x:{name}",
        f"{module}:x",
        f"x.{known}",
        f"{module}:{name.lower()}",
    ]
    assert asked_of_recipe(known, {}) == set()
    assert all(asked_of_recipe(other, {}) == {other} for other in others)


def test_neighbours_of_known_names():
    """Nothing that reads files, runs commands or holds a contest within a contest is on the list."""
    for other in (
        "concours.api.estimators:ContestClassifier",
        "concours.core.registry:load",
        "sklearn.utils._testing:check_output",
        "sklearn.datasets:load_svmlight_file",
        "lightgbm:Booster",
        "xgboost.dask:DaskXGBClassifier",
        "catboost.utils:read_cd",
        "torch:load",
        "torch.hub:load",
        "joblib:load",
    ):
        assert asked_of_recipe(other, {}) == {other}
        assert asked_of_recipe(PIPELINE, {"a": {"$recipe": other}}) == {other}


def test_the_zoo_and_its_libraries_run_unasked():
    """Every recipe of the zoo, and every estimator of scikit-learn, as a person and as `Entrant` writes it."""
    from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401
    from sklearn.utils.discovery import all_estimators

    from concours.core.objects import _named
    from concours.entrants.zoo import ZOO

    assert {breed.recipe for forms in ZOO.values() for breed in forms.values()} <= RECIPES
    absent = {_named(kind) for _, kind in all_estimators()} - RECIPES - PARTS
    assert absent == set(), "classes that this version of scikit-learn brings and the list does not know"


def test_what_is_on_the_list_is_what_it_should_be():
    """Classes are classes, functions are universal functions or plain ones of scikit-learn, where they are installed."""
    from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401

    def found(names):
        each = [name.partition(":") for name in sorted(names)]
        here = [(module, name) for module, _, name in each if find_spec(module.partition(".")[0])]
        return [(module, getattr(import_module(module), name)) for module, name in here]

    assert all(
        inspect.isclass(thing) for _, thing in found(RECIPES - {"concours.entrants.adversaries:harden"} | PARTS | TYPES)
    )
    assert all(isinstance(thing, np.ufunc) or module.startswith("sklearn.") for module, thing in found(FUNCTIONS))
    assert all(
        {"y_true", "labels_true", "y1"} & set(inspect.signature(thing).parameters) for _, thing in found(METRICS)
    )


LEAVES = st.one_of(
    st.none(), st.integers(), st.text(max_size=5), st.just({"$recipe": TREE, "params": {"max_depth": 2}})
)
EVIL = "elsewhere:Thing"


FORMS = {
    "list": lambda inner, others: [*others, inner],
    "mapping": lambda inner, others: {"a": others, "b": inner},
    "recipe": lambda inner, others: {"$recipe": PIPELINE, "params": {"x": inner, "y": others}},
    "items": lambda inner, others: {"$items": [[1, others], [2, inner]]},
    "slice": lambda inner, others: {"$slice": [inner, None, None]},
}


@st.composite
def nested(draw, inner):
    """Written parameters in which something is named at any depth, in any of the forms."""
    for _ in range(draw(st.integers(0, 4))):
        inner = FORMS[draw(st.sampled_from(sorted(FORMS)))](inner, draw(st.lists(LEAVES, max_size=2)))
    return {draw(st.sampled_from(["a", "a__b"])): inner}


@settings(max_examples=60)
@given(nested({"$recipe": EVIL}), st.sampled_from(["params", "search"]))
def test_wherever_it_is_named(written, place):
    """No depth and no form of parameters hides a name, nor does a search."""
    params, search = (written, {}) if place == "params" else ({}, written)
    assert EVIL in asked_of_recipe(PIPELINE, params, search=search)


@settings(max_examples=60)
@given(nested({"$recipe": LIGHTGBM, "params": {"machines": "10.0.0.1"}}))
def test_wherever_a_parameter_leads_outside(written):
    """The same for parameters of parts that name files, addresses or commands."""
    assert f"machines = '10.0.0.1' of {LIGHTGBM}" in asked_of_recipe(PIPELINE, written)


@pytest.mark.parametrize(
    ("recipe", "params", "what"),
    [
        (PIPELINE, {"memory": "/tmp/x"}, "memory = '/tmp/x'"),
        (PIPELINE, {"memory": None, "verbose": True}, ""),
        (PIPELINE, {"words__input": "filename"}, "words__input = 'filename'"),
        (PIPELINE, {"words__input": "content"}, ""),
        (LIGHTGBM, {"output_model": "m.txt", "num_leaves": 3}, "output_model = 'm.txt'"),
        (LIGHTGBM, {"objective": "binary", "metric": ["auc", "binary_logloss"]}, ""),
        (LIGHTGBM, {"objective": "binary machines=10.0.0.1"}, "objective = 'binary machines=10.0.0.1'"),
        (LIGHTGBM, {"metric": ["auc", "auc\toutput_model=m"]}, "metric = ['auc', 'auc\\toutput_model=m']"),
        (LIGHTGBM, {"seed=1 machines": "10.0.0.1"}, "seed=1 machines = '10.0.0.1'"),
        ("catboost:CatBoostClassifier", {"train_dir": "/tmp/x", "depth": 3}, "train_dir = '/tmp/x'"),
        ("catboost:CatBoostClassifier", {"allow_writing_files": False, "task_type": "CPU"}, ""),
        ("catboost:CatBoostClassifier", {"allow_writing_files": True}, "allow_writing_files = True"),
        ("catboost:CatBoost", {"params": {"json_log": "x"}}, "json_log = 'x'"),
        ("catboost:CatBoost", {"$args": [{"json_log": "x"}]}, "$args = [{'json_log': 'x'}]"),
        (ZOOS, {"params": {"machines": "10.0.0.1"}}, "machines = '10.0.0.1'"),
        (ZOOS, {"params": {"$items": [["machines", "10.0.0.1"]]}}, "machines = '10.0.0.1'"),
        (ZOOS, {"params": {"num_leaves": 7}, "monotone": {"port": 1}, "class_weight": {"memory": 2.0}}, ""),
        ("sklearn.model_selection:GridSearchCV", {"param_grid": {"a__memory": ["/x"]}}, "grid__a__memory = '/x'"),
        ("sklearn.model_selection:GridSearchCV", {"param_grid": [{"C": [1, 2]}, {"$items": [["memory", ["/x"]]]}]}, "grid__memory = '/x'"),
        ("sklearn.model_selection:GridSearchCV", {"param_grid": {"max_depth": [1, 2]}}, ""),
        ("sklearn.ensemble:BaggingClassifier", {"estimator__train_dir": "/x"}, "estimator__train_dir = '/x'"),
    ],
)  # fmt: skip
def test_parameters_that_lead_outside(recipe, params, what):
    """Files, addresses and commands in parameters are asked about with their values; all others are not."""
    assert asked_of_recipe(recipe, params) == ({f"{what} of {recipe}"} if what else set())


def test_searched_parameters():
    """Each choice of a search is asked about as the trial that is given it would be."""
    search = {"train_dir": ["/x", "/y"], "depth": [2, 8], "trials": 3}
    asked = asked_of_recipe("catboost:CatBoostClassifier", {}, search=search)
    assert asked == {f"train_dir = '/{name}' of catboost:CatBoostClassifier" for name in "xy"}
    assert asked_of_recipe(ZOOS, {}, search={"params": {"machines": {"values": ["a"]}}}) == {
        f"machines = 'a' of {ZOOS}"
    }


WORDS = [
    "address",
    "binary",
    "borders",
    "cache",
    "callback",
    "command",
    "config",
    "connect",
    "data",
    "dir",
    "dump",
    "exec",
    "file",
    "filename",
    "folder",
    "host",
    "hosts",
    "input",
    "log",
    "machine",
    "machines",
    "memory",
    "model",
    "node",
    "output",
    "path",
    "plugin",
    "port",
    "process",
    "profile",
    "result",
    "save",
    "script",
    "server",
    "set",
    "shell",
    "snapshot",
    "socket",
    "store",
    "task",
    "test",
    "tracker",
    "train",
    "uri",
    "url",
    "valid",
    "workers",
    "write",
]
"""Words of names that may stand for a file, an address or a command."""

HARMLESS = {
    "sklearn": "binary cache_size callback copy_X_train dense_output fit_path input_type is_data_valid is_model_valid "
    "memory_level output_distribution path_method return_train_score sparse_output store_centers store_covariance "
    "store_cv_results store_precision transform_input",
    "lightgbm": "convert_model_language data_random_seed data_sample_strategy data_seed max_leaf_output max_tree_output "
    "min_data min_data_in_bin min_data_in_leaf min_data_per_group min_data_per_leaf output_freq path_smooth "
    "quant_train_renew_leaf train_metric",
    "xgboost": "",
    "catboost": "best_model_min_trees data_partition device_config fixed_binary_splits min_data_in_leaf model_shrink_mode "
    "model_shrink_rate model_size_reg pinned_memory_size store_all_simple_ctr task_type use_best_model",
}
"""Parameters with such a word that name none: switches, numbers, methods; or functions, which are asked about as such."""


def names_of(library):
    """All parameters that a library knows, under all names."""
    if library == "lightgbm":
        from lightgbm.basic import _ConfigAliases

        return {name for names in _ConfigAliases._get_all_param_aliases().values() for name in names}
    if library == "sklearn":
        from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401
        from sklearn.utils.discovery import all_estimators

        kinds = [kind for _, kind in all_estimators()]
    elif library == "catboost":
        import catboost

        kinds = [catboost.CatBoostClassifier, catboost.CatBoostRegressor, catboost.CatBoostRanker]
    else:
        import xgboost

        kinds = [xgboost.XGBModel, xgboost.XGBClassifier, xgboost.XGBRanker, xgboost.XGBRFRegressor]
    return {name for kind in kinds for name in inspect.signature(kind.__init__).parameters}


@pytest.mark.parametrize("library", sorted(OUTWARD))
def test_no_parameter_with_such_a_word_is_missing(library):
    """Each library's parameters are scanned: one that a new version brings is in the table, or named as harmless here."""
    pytest.importorskip(library)
    names = {name for name in names_of(library) if set(name.split("_")) & set(WORDS)}
    assert names - OUTWARD[library] == set(HARMLESS[library].split()) & names, "look them up, and sort them in"


def test_a_long_value_is_cut_and_still_told_apart():
    """What is asked about stays short, and names its value exactly."""
    first, second = (next(outward(PIPELINE, {"memory": "/x" * 5000 + end})) for end in "ab")
    assert first != second
    assert len(first) < 300


@pytest.mark.parametrize(
    "name",
    ["", ":", "a:", ":b", "a b:c", "..a:b", "a:b()", "a.__main__:x", "a:b.__globals__", "__main__:x", "a:__import__", "a/b:c", "if:x", "a\n:b", "C:\\x:y"],
)  # fmt: skip
def test_names_that_lead_nowhere(name):
    """What is no `module:name`, runs a program or reaches into Python's own is refused by its name alone."""
    assert wrong_name(name)


def test_metrics_and_what_a_person_reads():
    """Functions of modules are asked about, but for those on the list; digests are not shown, nor what is not printable."""
    names = ["accuracy", "sklearn.metrics:f1_score", "sklearn.metrics:check_scoring", "cProfile:run", "costs:cost"]
    assert asked_of_metrics(names) == {"sklearn.metrics:check_scoring", "cProfile:run", "costs:cost"}
    assert shown({"mine.py:M sha256:" + "0" * 64, "b:C", "x\x1b[2J:y"}) == "b:C, mine.py:M, x\\x1b[2J:y"
