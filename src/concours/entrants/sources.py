"""The source of a user's file and of the local modules it imports: read as text, kept by content, run from that."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from concours.core import links
from concours.core.digests import digest_json
from concours.core.errors import RecipeError
from concours.core.space import no_space_named
from concours.entrants.places import new_place

_NETWORKS = ("nn.", "torch.nn.", "keras.")
"""How the names of networks begin that libraries bring."""
_active: set[str] = set()


def closure(path: Path, *, root: Path | None = None, within: Callable[[Path], bool] | None = None) -> dict[str, str]:
    """The text of a Python file and of the modules under `root` that it imports, and those import, by relative path.

    Imports are read from the text, at any depth of the file; nothing is run. `within` says of other files whether they
    count.

    Raises:
        RecipeError: the file is missing, is not text, or does not parse.
    """
    root = (root or path.parent).resolve()
    texts: dict[str, str] = {}
    waiting = [path.resolve()]
    while waiting:
        file = waiting.pop()
        name = file.relative_to(root).as_posix()
        if name in texts:
            continue
        texts[name] = _text(file)
        modules = _imports(file, texts[name], root)
        found = (file for module in modules for file in _files(module, root))
        waiting += [file for file in found if within is None or within(file)]
    return dict(sorted(texts.items()))


def imported(files: Mapping[str, str], root: Path) -> set[str]:
    """The top-level modules that texts import, by the names and the root that `closure` gives them."""
    names = (name for file, text in files.items() for name in _imports(root.resolve() / file, text, root.resolve()))
    return {name.partition(".")[0] for name in names}


def import_source(files: Mapping[str, str], main: str, folder: Path) -> ModuleType:
    """Imports a file from its kept text, under a name made from the digest of the whole source.

    The files are written below `folder`, in a place of this process's own where nothing else lies: what stood there
    before, or what Python compiled of it, may be other than the text. Local modules of an earlier source are forgotten
    first, so that two sources may each have a `helpers.py` of their own.

    Raises:
        RecipeError: the file is not among the texts, or one of these would lie outside the folder.
        Whatever the file raises.
    """
    for name in (main, *files):
        if name not in files or Path(name).is_absolute() or ".." in Path(name).parts:
            raise RecipeError(f"{name!r} is no file of those that came with the recipe: {', '.join(files)}")
    name = module_name(files, main)
    if name in sys.modules:
        return sys.modules[name]
    place = _place(files, folder)
    _forget()
    sys.path.insert(0, str(place))
    before = set(sys.modules)
    try:
        importlib.invalidate_caches()
        dotted = main.removesuffix(".py").replace("/", ".")  # within a package, so that relative imports lead somewhere
        spec = importlib.util.spec_from_file_location(dotted if "/" in main else name, place / main)
        if spec is None or spec.loader is None:
            raise RecipeError(f"{main} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    finally:
        local = (key for key, value in sys.modules.items() if _lies_in(value, place))
        _active.update(set(local) - before)
    return module


def root_of(path: Path) -> Path:
    """The folder from which a file is imported: the first above it that is no package."""
    folder = path.resolve().parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def defines_network(files: Mapping[str, str], main: str, name: str) -> bool:
    """Whether a name in a file is a class derived from torch's `Module` or a model of Keras, or made by a call of one,
    or a function that returns such: read, not run.
    """
    tree = ast.parse(files[main])
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}

    def of_library(expression: ast.expr, depth: int = 0) -> bool:
        dotted = ast.unparse(expression)
        if dotted in classes and depth < len(classes):
            return any(of_library(base, depth + 1) for base in classes[dotted].bases)
        return dotted.startswith(_NETWORKS) or dotted.rpartition(".")[2] in ("Module", "Sequential")

    def made(value: ast.expr | None, within: ast.FunctionDef | ast.Module) -> bool:
        if isinstance(value, ast.Name):
            value = next((v for n, v in reversed(_assigned(within)) if n == value.id), None)
        return isinstance(value, ast.Call) and of_library(value.func)

    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return made(node.value, tree)
        if isinstance(node, ast.FunctionDef) and node.name == name:
            given = [stop.value for stop in ast.walk(node) if isinstance(stop, ast.Return)]
            return any(made(value, node) for value in given)
    return name in classes and of_library(ast.Name(name))


def _assigned(within: ast.FunctionDef | ast.Module) -> list[tuple[str, ast.expr]]:
    """What names are given in a body, in order."""
    given = [node for node in within.body if isinstance(node, ast.Assign)]
    return [(target.id, node.value) for node in given for target in node.targets if isinstance(target, ast.Name)]


def _place(files: Mapping[str, str], folder: Path) -> Path:
    """A new folder with these files and nothing else."""
    with no_space_named(folder):
        place = new_place(folder)
        for name, text in files.items():
            links.write(
                links.make_folder((place / name).parent, below=place) / Path(name).name, text.encode(), below=place
            )
    return place


def module_name(files: Mapping[str, str], main: str) -> str:
    """The name under which `import_source` imports."""
    return f"concours_{Path(main).stem}_{digest_json([dict(files), main]).partition(':')[2][:16]}"


def _forget() -> None:
    """Takes earlier sources out of the way."""
    for name in _active:
        module = sys.modules.pop(name, None)
        file = getattr(module, "__file__", None)
        if file:
            sys.path[:] = [entry for entry in sys.path if not Path(file).is_relative_to(entry or ".")]
    _active.clear()


def _lies_in(module: ModuleType, place: Path) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).is_relative_to(place)


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError:
        raise RecipeError(f"{file} does not exist") from None
    except (UnicodeDecodeError, OSError) as error:
        raise RecipeError(f"{file} cannot be read as Python source: {error}") from None


def _parse(file: Path, text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise RecipeError(
            f"{file.name} does not parse: {error.args[0]}" + (f" (line {line})" if line else "")
        ) from None


@lru_cache(maxsize=256)
def _imports(file: Path, text: str, root: Path) -> tuple[str, ...]:
    """What the text of a file imports; our own modules are read for one recipe after the other."""
    return tuple(_imported(_parse(file, text), file, root))


def _imported(tree: ast.Module, file: Path, root: Path) -> Iterator[str]:
    """Dotted names of modules that a file may import; names that are not modules do no harm."""
    package = file.parent.relative_to(root).parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            if module:
                yield module
            yield from (f"{module}.{alias.name}".lstrip(".") for alias in node.names)


def _files(module: str, root: Path) -> Iterator[Path]:
    """The files under the root that importing a module reads: its own and the packages above it."""
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:depth])
        yield from (file.resolve() for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file())
