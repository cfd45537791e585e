"""A form with a file, as it comes in: fields are read, the file goes piece by piece to the store, within limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from concours.core.frozen import frozen
from concours.core.ports import Store
from concours.core.visible import shortened, visible
from concours.server.refusals import TooLarge, Unfit

_MOST_FIELDS: Final = 30
_FIELD_BYTES: Final = 1 << 16
_CALLED: Final = 200

Fields = Mapping[str, str]


class NoFile(Unfit):
    """There is none in a form."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """A form and the file in it.

    Attributes:
        fields: all others, by name.
        called: the name of the file, without folders.
        digest, size: of its content, which lies in the store.
    """

    fields: Fields
    called: str
    digest: str
    size: int


def received(
    chunks: Iterator[bytes],
    content_type: str,
    store: Store,
    *,
    most: int,
    before: Callable[[Fields], None] = lambda _: None,
) -> Received:
    """Takes in a `multipart/form-data` body with one file. Memory is bounded, whatever is sent.

    Args:
        chunks: the body; as many are taken as are read.
        most: bytes of the file.
        before: called with the fields that stand before the file, before anything of it is kept, or with all of them
            where there is none; what it raises ends the receiving.

    Raises:
        NoFile. Unfit: it is no such form, or has more than one file, or too many fields. TooLarge: the file, or a
            field.
        NoSpace, StoreRefused: as `Store.put`; nothing is kept.
    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise Unfit("send a form: multipart/form-data with the file as `file`")
    form = _Form(chunks, options[b"boundary"], most)
    form.go_on_to_file()
    before(frozen(form.fields))
    if not form.called:
        raise NoFile("there is no file in the form: send it as `file`, with a name")
    digest = store.put(form)
    form.go_on_to_end()
    return Received(fields=frozen(form.fields), called=form.called, digest=digest, size=form.size)


def name_of_file(text: str) -> str:
    """What a file is called, as it may be kept: no folders, nothing that is not seen. Raises Unfit: nothing is left."""
    name = text.replace("\\", "/").rpartition("/")[2].strip()
    if not name.strip(". ") or len(name) > _CALLED or not name.isprintable():
        raise Unfit(f"the file needs a name such as predictions.csv, got {shortened(visible(text), 60)!r}")
    return name


class _Form:
    """A form that is read as far as is asked for; it is itself the content of its file."""

    def __init__(self, chunks: Iterator[bytes], boundary: bytes, most: int) -> None:
        self.fields: dict[str, str] = {}
        self.called = ""
        self.size = 0
        self._chunks, self._most = chunks, most
        self._parts = 0
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._headers: dict[bytes, bytes] = {}
        self._field = ""
        self._value = bytearray()
        self._content = bytearray()
        self._state = "fields"
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part,
                    "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                    "on_header_end": self._on_header,
                    "on_headers_finished": self._on_headers,
                    "on_part_data": self._on_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise Unfit(f"the form is damaged: {error}") from None

    def go_on_to_file(self) -> None:
        """Reads on until the file begins, or the form ends. Raises Unfit: it is damaged."""
        while self._state == "fields" and self._advance():
            pass

    def go_on_to_end(self) -> None:
        """Reads what stands behind the file. Raises Unfit: the form breaks off."""
        while self._state != "end":
            if not self._advance():
                raise Unfit("the form breaks off before its end: send it again")

    def read(self, size: int = -1, /) -> bytes:
        """The next piece of the file, or all that is left; nothing at its end. Raises Unfit: the form breaks off."""
        while self._state == "file" and (size < 0 or not self._content):
            if not self._advance():
                raise Unfit("the file breaks off before its end: send it again")
        much = len(self._content) if size < 0 else size
        piece = bytes(self._content[:much])
        del self._content[:much]
        return piece

    def _advance(self) -> bool:
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise Unfit(f"the form is damaged: {shortened(str(error), 100)}") from None
        return True

    def _on_part(self) -> None:
        self._parts += 1
        if self._parts > _MOST_FIELDS:
            raise TooLarge(f"the form has more than {_MOST_FIELDS} fields")
        self._headers.clear()

    def _on_header(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._field = options.get(b"name", b"").decode(errors="replace")
        if options.get(b"filename"):  # empty where nothing was picked
            if self._field != "file" or self.called:
                raise Unfit("a form has one file, which is called `file`")
            self.called = name_of_file(options[b"filename"].decode(errors="replace"))
            self._state = "file"

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._state == "file":
            self.size += end - start
            if self.size > self._most:
                raise TooLarge(f"the file is larger than {self._most:,} bytes, which is the most that is taken")
            self._content += data[start:end]
            return
        if len(self._value) + end - start > _FIELD_BYTES:
            raise TooLarge(f"the field {shortened(visible(self._field), 60)!r} is larger than {_FIELD_BYTES:,} bytes")
        self._value += data[start:end]

    def _on_part_end(self) -> None:
        if self._state == "file":
            self._state = "behind"
            return
        try:
            self.fields[self._field] = self._value.decode()
        except UnicodeDecodeError:
            raise Unfit(f"the field {shortened(visible(self._field), 60)!r} is no text in UTF-8") from None
        self._value = bytearray()

    def _on_end(self) -> None:
        self._state = "end"
