"""Writes `contest-file.md`, the keys of a contest file, from the code that checks them: python docs/contest_file.py

What a key must be is the text of its check; what it is, the docstring of the class that it becomes an attribute of.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from pathlib import Path

from concours import Contest, Entrant, Split, Task
from concours.contest import config
from concours.contest.formats import FORMATS
from concours.contest.forms import Form
from concours.contest.strategies import STRATEGY
from concours.tasks.kinds import KINDS, Kind

PAGE = Path(__file__).with_name("contest-file.md")
HEAD = """# The contest file

<!-- Written by `python docs/contest_file.py` from the code that checks contest files. -->

A contest file is [TOML](https://toml.io). Every key is checked before anything else happens; a mistake names the key,
what it must be, what it got, and the nearest right name. `concours new` writes a first one for your data.

```toml
# all.toml
seed = 0

[task]
kind    = "tabular-classification"
data    = "sklearn:wine"
metrics = ["log_loss", "accuracy"]
split   = { test = 0.3, folds = 5 }

[compete]
lineup = "none"
budget = { seconds = 120 }

[cooperate]
strategies = ["average", "greedy", "stack"]

[limits]
seconds   = 600
memory_gb = 1.5

[[entrant]]
recipe = "logistic"
```

The same keys are the arguments of [`Task`, `Split`, `Entrant` and `Contest`](python.md) in Python.
"""

OWN = {
    "task": "what is to be solved",
    "compete": "how it is competed",
    "cooperate": "which joint models are made",
    "federation": "which sites train a network together: see [federations](federation.md)",
    "limits": "of one job",
    "entrant": "who competes, one table each",
    "seed": "decides how rows are divided, and everything random; 0 by default",
    "split": "how rows are divided, see below",
    "format": "the way to compete: see [formats](formats.md)",
    "options": "what the format is told, see below",
    "budget": "of the whole contest, see below",
    "kind": "what a row is and what is asked of it: see [kinds](data.md#kinds)",
    "compete.seconds": "wall time, over all sessions; by default no end",
    "limits.seconds": "wall time of a job; 3,600 by default",
    "memory_gb": "of memory of a job; by default an equal share of what is free",
    "cost": "money that asking language models may take, over all sessions; none by default",
    "requests": "requests that asking language models may take, over all sessions; none by default",
    "strategies": "see [alliances](alliances.md); by default those that suit the target",
    "strategies.name": "of the alliance",
    "how": "a strategy by its name: see [alliances of alliances](alliances.md#alliances-of-alliances)",
    "of": "whom it joins: names of other strategies in the list, and of entrants",
    "rounds": "of reading, in a [talk](large-models.md#how-they-cooperate): 1 for a mixture, 2 for a debate",
    "costs": "of asking each about a row: see [a cascade](soups-and-cascades.md#a-cascade); measured by default",
    "trials": "mixes that each [evolution](merging-in-a-contest.md#evolution) tries at most; 100 by default",
    "strategies.budget": "what a row may cost on average, of a cascade or a route, in the unit of `costs`",
    "student": "who learns, the name of an entrant: see [distillation](distillation.md)",
    "strategies.params": "in which the student differs from that entrant",
    "temperature": "by which what teachers say is softened; 1 by default",
    "mix": "how much the true label of a row counts beside what teachers say; 0.5 by default",
    "made": "how many rows are made of each row of a table; 0 by default",
    "unlabelled": "rows without labels, which teachers are asked about",
    "share": "how much of a network is cut off; 0.5 by default",
    "cooperate.limits": "of a [budgeted alliance](alliances.md#a-budgeted-alliance), see below",
    "latency_ms": "milliseconds to prepare and predict one row of many, on one core",
    "size_mb": "megabytes of all files that predicting needs",
    "recipe": "a name of the [zoo](line-ups.md#the-zoo), a path (`sklearn.svm:SVC`), a file (`./mine.py:Model`), or "
    "what is not fitted: `onnx:FILE`, `keras:FILE`, `classifier:FOLDER`, `detector:FOLDER`, "
    "`program:FILE`, `recorded:FILE`, see [models and predictions from elsewhere](elsewhere.md)",
    "search": "ranges and choices from which parameters are chosen first: see [search](line-ups.md#search)",
}
"""What is no attribute of a class, or is called otherwise there; a key, or table and key."""


def page() -> str:
    """The page for today's keys."""
    task, split, contest, entrant = (attributes(kind) for kind in (Task, Split, Contest, Entrant))
    return "\n".join(
        [
            HEAD,
            _section("The file", "", config._FILE, {}),
            _section("`[task]`", "task", config._TASK, task),
            *(_keys(kind) for kind in KINDS.own.values() if kind.input.keys),
            _section("`split` in `[task]`", "split", config._SPLIT, split),
            _section("`[compete]`", "compete", config._COMPETE, contest),
            _section("`budget` in `[compete]`", "compete", config._BUDGET, {}),
            *(_options(name) for name, format in FORMATS.items() if format.options and not format.command),
            _section("`[cooperate]`", "cooperate", config._COOPERATE, {}),
            _section("Tables in `strategies` of `[cooperate]`", "strategies", STRATEGY, {}),
            _section("`limits` in `[cooperate]`", "cooperate", config._LIGHT, {}),
            _section("`[limits]`", "limits", config._LIMITS, {}),
            _section("`[[entrant]]`", "entrant", config._ENTRANT, entrant),
        ]
    )


def attributes(kind: type) -> dict[str, str]:
    """What the docstring of a class says of its attributes, by name."""
    section = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")[2].split("\n\n")[0]
    items = re.findall(r"^ {4}(\w[\w, ]*): (.*(?:\n {8}.*)*)", section, re.M)
    return {name: re.sub(r"\s+", " ", text) for names, text in items for name in names.split(", ")}


def _section(title: str, where: str, forms: Mapping[str, Form], known: Mapping[str, str]) -> str:
    rows = "".join(
        _row(key, form, OWN.get(f"{where}.{key}") or OWN.get(key) or known[key]) for key, form in forms.items()
    )
    return f"## {title}\n\n| key | must be | what it is |\n| --- | --- | --- |\n{rows}"


def _keys(kind: Kind) -> str:
    rows = "".join(_row(key, config._SOURCE, what) for key, what in kind.input.keys.items())
    title = f"## Keys of `{kind.name}` in `[task]`"
    return f"{title}\n\n| key | must be | what it is |\n| --- | --- | --- |\n{rows}"


def _options(name: str) -> str:
    options = FORMATS[name].options.items()
    rows = "".join(_row(key, o.form, f"{o.what}; {_default(o.default)} by default") for key, o in options)
    title = f"## `[{name}]`" if name in config._FILE else f"## `options` of `{name}` in `[compete]`"
    return f"{title}\n\n| key | must be | what it is |\n| --- | --- | --- |\n{rows}"


def _default(value: object) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _row(key: str, form: Form, text: str) -> str:
    return f"| `{key}` | {_cell(form.words)} | {_cell(text).removesuffix('.')} |\n"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
