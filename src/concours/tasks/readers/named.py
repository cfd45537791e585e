"""Data sets by name: those that scikit-learn brings, and OpenML's by number."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import Request, urlopen

import numpy as np
import pyarrow as pa

from concours.core.errors import DataError, nearest
from concours.tasks.readers.archives import entry_at
from concours.tasks.readers.arff import read_arff
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.tables import read_parquet

_SKLEARN: dict[str, Literal["classes", "number"]] = {
    "breast_cancer": "classes",
    "diabetes": "number",
    "digits": "classes",
    "iris": "classes",
    "wine": "classes",
}
_OPENML = "https://www.openml.org"
_SECONDS = 60


def sklearn_target(name: str) -> str | None:
    """What the target of a data set of scikit-learn is: `classes`, `number`, or none where there is no such set."""
    return _SKLEARN.get(name)


def open_sklearn(name: str, options: Options) -> Opened:
    """A data set that scikit-learn brings. `digits` is pictures, or a table where that is asked for."""
    from sklearn import datasets

    if name not in _SKLEARN:
        raise DataError(f"task.data: scikit-learn brings no data set {name!r}; {nearest(name, _SKLEARN)}")
    bunch = cast(Any, getattr(datasets, f"load_{name}")())
    y = np.asarray(bunch.target)
    if name == "digits" and options.input != "table":
        return Opened(x=bunch.images.astype(np.float32), y=y, name=name)
    if _SKLEARN[name] == "classes" and name != "digits":
        y = np.asarray(bunch.target_names)[y].astype(str)
    names = [str(column) for column in bunch.feature_names]
    return Opened(x=pa.table(dict(zip(names, bunch.data.T, strict=True))), y=y, name=name)


def open_openml(number: str, options: Options) -> Opened:
    """A data set of OpenML, by its number; kept in the user's cache once it is there.

    The server is that of `CONCOURS_OPENML`, by default openml.org. Columns that the description names as identifiers
    or to be ignored are left out.

    Raises:
        DataError: there is no such set, the server cannot be reached, or the file is not what its checksum says.
    """
    if not number.isdigit():
        raise DataError(
            f"task.data: openml:{number} is no number; the number stands in the address of the data set's page"
        )
    server = os.environ.get("CONCOURS_OPENML", _OPENML)
    folder = _cache() / "openml" / hashlib.sha256(server.encode()).hexdigest()[:12] / number
    about = _description(server, number, folder)
    path = _data_file(about, server, folder)
    opened = read_parquet(entry_at(path)) if path.suffix == ".pq" else read_arff(entry_at(path), options)
    table = cast(pa.Table, opened.x)
    aside = [name for key in ("ignore_attribute", "row_id_attribute") for name in _listed(about.get(key))]
    target = next(iter(_listed(about.get("default_target_attribute"))), None)
    return Opened(
        x=table.drop_columns([name for name in aside if name in table.column_names]),
        name=str(about.get("name", number)),
        target=target,
        notes=(f"OpenML {number}, version {about.get('version', '?')}, licence {about.get('licence', 'not said')}",),
        warnings=opened.warnings,
    )


def _description(server: str, number: str, folder: Path) -> dict[str, Any]:
    path = folder / "description.json"
    if not path.exists():
        _kept(path, _fetched(urljoin(server, f"/api/v1/json/data/{number}"), f"openml:{number}"))
    try:
        about: dict[str, Any] = json.loads(path.read_bytes())["data_set_description"]
    except (ValueError, KeyError, TypeError):
        path.unlink()
        raise DataError(f"openml:{number}: {server} did not answer with the description of a data set") from None
    return about


def _data_file(about: dict[str, Any], server: str, folder: Path) -> Path:
    """Parquet where the server has it, because it is smaller and typed; else ARFF, whose checksum is known."""
    parquet, arff = about.get("parquet_url"), about.get("url")
    where = f"openml:{about.get('id', '')}"
    if not parquet and not arff:
        raise DataError(f"{where}: the description names no file")
    path = folder / ("data.pq" if parquet else "data.arff")
    if not path.exists():
        content = _fetched(urljoin(server, str(parquet or arff)), where)
        _check(content, about, "parquet_" if parquet else "", where)
        _kept(path, content)
    return path


def _check(content: bytes, about: dict[str, Any], prefix: str, where: str) -> None:
    for kind in ("sha256", "md5"):
        expected = about.get(f"{prefix}{kind}_checksum") or about.get(f"{prefix}{kind}")
        if expected and hashlib.new(kind, content, usedforsecurity=False).hexdigest() != str(expected).lower():
            raise DataError(f"{where}: the file that came is damaged: its {kind} is not {expected}; try again")


def _fetched(url: str, where: str) -> bytes:
    if urlsplit(url).scheme not in ("http", "https"):
        raise DataError(f"{where}: {url!r} is no web address")
    try:
        with urlopen(Request(url, headers={"User-Agent": "concours"}), timeout=_SECONDS) as answer:  # noqa: S310
            return cast(bytes, answer.read())
    except HTTPError as error:
        with error:
            raise DataError(f"{where}: {url} answered {error.code} ({error.reason}); is the number right?") from None
    except (URLError, OSError) as error:
        why = getattr(error, "reason", error)
        raise DataError(
            f"{where} is not in the cache, and {urlsplit(url).netloc} cannot be reached ({why}): go online once, or "
            "download the file and give its name"
        ) from None


def _kept(path: Path, content: bytes) -> None:
    """Written aside and moved into place, so that a kill leaves nothing half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    os.replace(file.name, path)


def _cache() -> Path:
    if "XDG_CACHE_HOME" in os.environ:
        return Path(os.environ["XDG_CACHE_HOME"]) / "concours"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "concours"


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return (
        [str(item) for item in value] if isinstance(value, list) else [part for part in str(value).split(",") if part]
    )
