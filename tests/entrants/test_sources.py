"""Users' files: which texts count, and how they are run from these texts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from concours.core.digests import digest_json
from concours.core.errors import LinkRefused, RecipeError
from concours.entrants.places import clear_places
from concours.entrants.sources import closure, import_source


def lay(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_closure_follows_local_imports(tmp_path):
    """A file, what it imports from its folder, and what that imports; packages and relative imports too; nothing else."""
    lay(
        tmp_path,
        main="import numpy\nimport helpers\nfrom pack.deep import thing\ndef f():\n    import late",
        helpers="from other import x",
        other="x = 1",
        late="",
        unused="",
        pack__deep="from . import near\nfrom .side import y\nthing = 1",
        pack__near="",
        pack__side="y = 2",
    )
    (tmp_path / "pack" / "__init__.py").write_text("")
    files = closure(tmp_path / "main.py")
    assert set(files) == {
        "main.py", "helpers.py", "other.py", "late.py", "pack/__init__.py", "pack/deep.py", "pack/near.py", "pack/side.py",
    }  # fmt: skip
    assert files["other.py"] == "x = 1"


def test_circular_imports_end(tmp_path):
    """Files that import each other are read once."""
    assert set(closure(lay(tmp_path, a="import b", b="import a") / "a.py")) == {"a.py", "b.py"}


def test_two_sources_may_have_modules_of_one_name(tmp_path):
    """Each file gets its own helpers, also when an earlier one had others, and when the text changes."""
    values = []
    for number in (1, 2):
        folder = lay(tmp_path / str(number), main="from helpers import value", helpers=f"value = {number}")
        values.append(import_source(closure(folder / "main.py"), "main.py", tmp_path / "code").value)
    (tmp_path / "1" / "helpers.py").write_text("value = 3")
    values.append(import_source(closure(tmp_path / "1" / "main.py"), "main.py", tmp_path / "code").value)
    assert values == [1, 2, 3]


def test_a_file_that_raises_leaves_nothing(tmp_path):
    """An import that fails is not remembered as done."""
    files = closure(lay(tmp_path, main="raise ValueError('no')") / "main.py")
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            import_source(files, "main.py", tmp_path / "code")
    assert not [name for name in sys.modules if name.startswith("concours_main_")]


@pytest.mark.parametrize(("text", "words"), [("def (", r"main.py does not parse.*line 1"), ("\x00", "does not parse")])
def test_what_does_not_parse(tmp_path, text, words):
    """A broken file is named with its line."""
    with pytest.raises(RecipeError, match=words):
        closure(lay(tmp_path, main=text) / "main.py")


def test_what_lies_there_already_is_not_imported(tmp_path):
    """A run folder may come from anybody: text is run that has been read, not what stands where it was once written."""
    files = closure(
        lay(tmp_path, planted="import helpers; value = helpers.value", helpers="value = 'read'") / "planted.py"
    )
    digest = digest_json(files).partition(":")[2][:16]
    for name in (digest, f"{os.getpid()}-{digest}"):
        lay(tmp_path / "code" / name, planted="value = 'planted'", helpers="value = 'planted'", os="raise SystemExit")
    assert import_source(files, "planted.py", tmp_path / "code").value == "read"


def test_places_are_of_one_process_and_go_with_it(tmp_path):
    """A worker is killed more often than it ends; what it has laid out is removed by its number."""
    text = "from pathlib import Path; place = Path(__file__).parent"
    place = import_source(closure(lay(tmp_path, lies=text) / "lies.py"), "lies.py", tmp_path / "code").place
    (tmp_path / "code" / "1-other").mkdir()
    clear_places(tmp_path / "code", os.getpid())
    assert not place.exists()
    assert [path.name for path in (tmp_path / "code").iterdir()] == ["1-other"]


def test_sources_are_not_written_through_links(tmp_path):
    """The folder that they go to lies in the store, which may come from anybody."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "code").symlink_to(tmp_path / "theirs")
    with pytest.raises(LinkRefused):
        import_source(closure(lay(tmp_path, linked="value = 1") / "linked.py"), "linked.py", tmp_path / "code")
    assert not list((tmp_path / "theirs").iterdir())
