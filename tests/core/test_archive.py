"""Archives: what was packed is unpacked, and no small file fills the memory."""

from __future__ import annotations

import io
import os
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core import archive
from concours.core.archive import plain_path, require_unpackable, unzipped, zip_files, zipped
from concours.core.errors import ContentRefused

FILES = st.dictionaries(st.text("abc/.", min_size=1, max_size=8), st.binary(max_size=2000), max_size=5)


@settings(max_examples=50)
@given(FILES, st.booleans())
def test_what_was_packed_is_unpacked(files: dict[str, bytes], compress: bool) -> None:
    """Law of `unzipped`; equal files give equal bytes."""
    content = zipped(files, compress=compress)
    assert unzipped(content) == files
    assert zipped(dict(reversed(files.items())), compress=compress) == content


@pytest.mark.parametrize("size", [0, 999, 1001, 99_000, 3_000_000])
def test_content_that_packs_well_is_kept_too(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model may be all zeros: what compresses beyond what is credible is kept as it is."""
    monkeypatch.setattr(archive, "_FREELY", 1000)
    files = {"zeros": bytes(size), "ones": b"\x01" * 10}
    assert unzipped(zipped(files, compress=True)) == files


@pytest.mark.parametrize("count", [1, 3])
def test_little_that_unpacks_to_much_is_refused(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what it says of itself, and so before anything is unpacked."""
    monkeypatch.setattr(archive, "_FREELY", 100_000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(count):
            file.writestr(str(number), bytes(120_000))
    for unpack in (unzipped, require_unpackable):
        with pytest.raises(ContentRefused, match=r"would unpack to \d20,000|would unpack to 360,000"):
            unpack(buffer.getvalue())


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_archive_is_named(data: st.DataObject) -> None:
    """Any byte of it changed, or cut anywhere: it is refused by that name, or gives files as they were, none changed."""
    files = {"a.json": b"{}" * 40, "b/c": bytes(range(256))}
    content = bytearray(zipped(files, compress=data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    found = {}
    with suppress(ContentRefused):
        found = unzipped(bytes(content[: data.draw(st.integers(0, len(content)))]))
    assert found.items() <= files.items()


@given(FILES)
def test_files_that_lie_on_a_disk_are_packed_as_they_are(tmp_path_factory: pytest.TempPathFactory, files) -> None:
    """Law of `zip_files`: equal files give equal bytes, whatever their order, times and modes."""
    place = tmp_path_factory.mktemp("files")
    lie = {}
    for number, (name, content) in enumerate(files.items()):
        lie[name] = place / str(number)
        lie[name].write_bytes(content)
    zip_files(lie, place / "one.zip")
    for path in lie.values():
        path.chmod(0o755)
        os.utime(path, (1, 1))
    zip_files(dict(reversed(lie.items())), place / "two.zip")
    assert (place / "one.zip").read_bytes() == (place / "two.zip").read_bytes()
    assert unzipped((place / "one.zip").read_bytes()) == files


@given(st.lists(st.sampled_from(["..", ".", "a", "", "/", "\\", "C:", "\n", "\u202e", "é" * 300]), max_size=5))
def test_a_plain_path_leads_nowhere_else(parts: list[str]) -> None:
    """Below the folder, and by the name that is shown."""
    text = "/".join(parts)
    if path := plain_path(text):
        lies = os.path.normpath(f"/folder/{path}")
        assert lies.startswith("/folder/") and lies != "/folder/"
        assert text.isprintable() and "\\" not in text and ":" not in text
