"""Several files as one: zip archives whose bytes follow from their content alone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_EPOCH = (1980, 1, 1, 0, 0, 0)


def zipped(files: Mapping[str, bytes], *, compress: bool = False) -> bytes:
    """An archive of the files, sorted by name, without times. Law: equal files give equal bytes."""
    buffer = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), files[name], compress_type=method, compresslevel=1)
    return buffer.getvalue()


def unzipped(content: bytes) -> dict[str, bytes]:
    """The files of an archive. Law: `unzipped(zipped(files)) == files`."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
