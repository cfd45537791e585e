"""What files of Arrow and Parquet say that they unpack to, looked at before any of it is unpacked.

Their columns are compressed one by one, or are codes of a dictionary whose entries may be long: a few bytes of either
stand for as much memory as somebody likes. The sizes stand in the files: at the beginning of each compressed buffer of
Arrow's (Apache Arrow, "Columnar format", buffer compression), in the metadata of Parquet's columns.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa

from concours.core import flatbuffers
from concours.tasks.readers.damage import refuse_bomb

_DICTIONARY, _BATCH = 2, 3
"""Messages of Arrow's that hold rows."""


def refuse_packed_arrow(file: Any, name: str, packed: int, *, of_file: bool) -> None:
    """Looks through the messages of an Arrow file or stream, which `file` has at its beginning.

    Raises:
        DataError: it says that it unpacks to more than an honest file, or than memory, would hold.
    """
    size = 0
    for message in _messages_of_file(file) if of_file else pa.ipc.MessageReader.open_stream(file):
        size += _unpacked(message)
        refuse_bomb(name, size, packed)


def parquet_batches(
    file: Any, name: str, packed: int, *, rows: int = 1 << 16, columns: Collection[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet file, checked, with all columns or some; texts with a dictionary come as its codes.

    Raises:
        DataError: it says that it unpacks to more than an honest file, or than memory, would hold.
    """
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(file) as found:
        metadata = found.metadata
        coded = _coded(found) if metadata.num_row_groups else []
        size = metadata.num_rows * sum(map(_least_bytes, found.schema_arrow.types))
        refuse_bomb(name, max(size, _declared(metadata)), packed)
    file.seek(0)
    with pyarrow.parquet.ParquetFile(file, read_dictionary=coded, pre_buffer=False) as found:
        size = 0
        for batch in found.iter_batches(batch_size=rows, columns=None if columns is None else list(columns)):
            batch.validate(full=True)  # or what is read of it later may lie outside of it
            size += sum(map(decoded_bytes, batch.columns))
            refuse_bomb(name, size, packed, whole=columns is None)
            yield batch


def decoded_bytes(values: pa.Array) -> int:
    """Bytes of an array, as many as it has once every code stands for the entry of its dictionary."""
    if not pa.types.is_dictionary(values.type):
        return int(values.nbytes)
    codes, entries = values.indices, values.dictionary
    if not len(entries) or not len(codes):
        return int(values.nbytes)
    if pa.types.is_string(entries.type) or pa.types.is_large_string(entries.type) or pa.types.is_binary(entries.type):
        import pyarrow.compute as pc

        lengths = pc.binary_length(entries).cast(pa.int64())
        return 4 * len(codes) + int(pc.sum(lengths.take(codes)).as_py() or 0)
    return int(entries.nbytes) // len(entries) * len(codes)


def _declared(metadata: Any) -> int:
    """Bytes that the columns of a Parquet file say that their pages unpack to."""
    groups = (metadata.row_group(place) for place in range(metadata.num_row_groups))
    return sum(group.column(place).total_uncompressed_size for group in groups for place in range(group.num_columns))


def _coded(found: Any) -> list[str]:
    """Columns of texts that have a dictionary in the first group of rows."""
    group, schema = found.metadata.row_group(0), found.schema_arrow
    coded = [
        column.path_in_schema for column in map(group.column, range(group.num_columns)) if column.has_dictionary_page
    ]
    return [name for name in coded if name in schema.names and pa.types.is_string(schema.field(name).type)]


def _least_bytes(kind: pa.DataType) -> int:
    """Bytes that a value takes at least."""
    try:
        return max(kind.bit_width // 8, 1)
    except ValueError:
        return 4  # its offset


# Messages of Arrow's, whose heads are flatbuffers; fields by their numbers in Arrow's `File.fbs` and `Message.fbs`


def _messages_of_file(file: Any) -> Iterator[Any]:
    """The messages that the footer of an Arrow file names."""
    end = file.seek(0, 2)
    file.seek(max(end - 10, 0))
    length, mark = struct.unpack("<i6s", file.read(10))
    if mark != b"ARROW1" or not 0 < length <= end:
        raise pa.ArrowInvalid("its footer is missing")
    file.seek(end - 10 - length)
    footer = file.read(length)
    root = flatbuffers.root(footer)
    for dictionaries_or_batches in (2, 3):
        begin, count = flatbuffers.vector(footer, root, dictionaries_or_batches)
        for place in range(count):
            file.seek(struct.unpack_from("<q", footer, begin + 24 * place)[0])
            yield pa.ipc.read_message(file)


def _unpacked(message: Any) -> int:
    """Bytes that the rows of a message take once they are unpacked; a bit a value at least."""
    head, body = message.metadata.to_pybytes(), message.body
    root = flatbuffers.root(head)
    kind = flatbuffers.number(head, root, 1, "<B")
    if kind not in (_DICTIONARY, _BATCH):
        return 0
    batch = flatbuffers.inner(head, root, 2)
    if kind == _DICTIONARY:
        batch = flatbuffers.inner(head, batch, 1)
    values = flatbuffers.number(head, batch, 0, "<q") * flatbuffers.vector(head, batch, 1)[1]
    buffers = flatbuffers.numbers(head, batch, 2, "<i8", items=2).reshape(-1, 2).tolist()
    packed = flatbuffers.field(head, batch, 3) != 0
    return max(values // 8, sum(_told(body, at, length) if packed else length for at, length in buffers if length))


def _told(body: Any, at: int, length: int) -> int:
    """Bytes that a buffer says it unpacks to; those that it has, where it says that it is not compressed."""
    told = int(struct.unpack("<q", body.slice(at, 8).to_pybytes())[0])
    return length if told < 0 else told
