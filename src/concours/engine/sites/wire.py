"""The form of what goes over the wire: a job to a site, and what came of it back, as contents of Flower's messages.

To a site goes the job as JSON, and the objects that it reads, as bytes under their digests. Back come JSON of a few
numbers, and tensors.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, RecordDict
from flwr.app.message import remove_content_from_message
from flwr.common.serde import message_to_proto
from flwr.proto.message_pb2 import Message as MessageProto
from flwr.proto.message_pb2 import ObjectTree
from flwr.supercore.inflatable.inflatable_object import (
    InflatableObject,
    get_all_nested_objects,
    get_object_tree,
    iterate_object_tree,
    no_object_id_recompute,
)
from flwr.supercore.inflatable.inflatable_utils import inflate_object_from_contents, pull_objects
from numpy.typing import NDArray

from concours.core.digests import Digest, canonical_json, digest_bytes
from concours.core.errors import ContentRefused
from concours.core.event import Cause, Failed
from concours.core.job import Job
from concours.core.typed import typed

Tensors = Mapping[str, NDArray[Any]]
_JOB, _INPUTS, _OUTCOME = "job", "inputs", "outcome"
_BYTES = "bytes"
_KINDS = "biuf"
"""Of numbers: what else numpy can hold does not come in."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a site is asked to do.

    Attributes:
        objects: what the job reads that the site does not have, by digest.
    """

    job: Job
    objects: Mapping[Digest, bytes]

    def content(self) -> RecordDict:
        """As the content of a message."""
        inputs = {
            str(digest): Array(dtype="uint8", shape=(len(data),), stype=_BYTES, data=data)
            for digest, data in self.objects.items()
        }
        text = canonical_json(self.job.to_json()).decode()
        return RecordDict({_JOB: ConfigRecord({"json": text}), _INPUTS: ArrayRecord(inputs)})

    @classmethod
    def of(cls, content: RecordDict) -> Asked:
        """The inverse. Raises ContentRefused where it is no job, or an object is not what its digest says."""
        try:
            job = Job.from_json(json.loads(str(content.config_records[_JOB]["json"])))
            objects = {Digest(name): array.data for name, array in content.array_records[_INPUTS].items()}
        except (KeyError, TypeError, ValueError, RecursionError, AttributeError) as error:
            raise ContentRefused(f"what was sent is no job ({error})") from None
        if wrong := [name for name, data in objects.items() if digest_bytes(data) != name]:
            raise ContentRefused(f"object {wrong[0]} is not what its name says")
        return cls(job=job, objects=objects)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a job at a site: all that leaves it.

    Attributes:
        outputs: tensors, by the name of the output and that of the tensor.
        values: numbers.
        cause, reason: why there is none of it, where the job failed.
    """

    outputs: Mapping[str, Tensors] = field(default_factory=dict)
    values: Mapping[str, float | int] = field(default_factory=dict)
    cause: Cause | None = None
    reason: str = ""

    def failed(self, job: Job) -> Failed | None:
        """The end of a job that failed."""
        return Failed(job=job.digest, cause=self.cause, reason=self.reason) if self.cause else None

    def content(self) -> RecordDict:
        """As the content of a message."""
        told = {"values": dict(self.values), "cause": self.cause, "reason": self.reason}
        records = {
            name: ArrayRecord({key: Array(np.asarray(tensor)) for key, tensor in tensors.items()})
            for name, tensors in self.outputs.items()
        }
        return RecordDict({_OUTCOME: ConfigRecord({"json": canonical_json(told).decode()}), **records})

    @classmethod
    def of(cls, content: RecordDict) -> Answer:
        """The inverse. Raises ContentRefused where it is none: sites are not believed."""
        try:
            told = typed(_Told, json.loads(str(content.config_records[_OUTCOME]["json"])))
            outputs = {name: _tensors(record) for name, record in content.array_records.items()}
        except (KeyError, TypeError, ValueError, RecursionError, EOFError, OverflowError, AttributeError) as error:
            raise ContentRefused(f"what came back is no answer ({error})") from None
        return cls(outputs=outputs, values=told.values, cause=told.cause, reason=told.reason)


@dataclass(frozen=True, kw_only=True)
class _Told:
    values: Mapping[str, float | int]
    cause: Cause | None = None
    reason: str = ""


def _tensors(record: Iterable[Any]) -> dict[str, NDArray[Any]]:
    assert isinstance(record, ArrayRecord)  # noqa: S101 (for the type checker)
    found = {name: np.lib.format.read_array(io.BytesIO(a.data), allow_pickle=False) for name, a in record.items()}
    if odd := [name for name, tensor in found.items() if tensor.dtype.kind not in _KINDS]:
        raise ValueError(f"{odd[0]} holds no numbers")
    return found


@dataclass(frozen=True, kw_only=True)
class Packed:
    """A message in the pieces in which Flower carries it: its head, how its parts lie in one another, and these."""

    head: MessageProto
    tree: ObjectTree
    parts: Mapping[str, InflatableObject]


def packed(message: Message) -> Packed:
    """A message ready to go."""
    with no_object_id_recompute():
        message.metadata.__dict__["_message_id"] = message.object_id
        tree, parts = get_object_tree(message), get_all_nested_objects(message)
        head = message_to_proto(remove_content_from_message(message))
    return Packed(head=head, tree=tree, parts=parts)


def unpacked(name: str, tree: ObjectTree, pull: Callable[[str], bytes]) -> Message:
    """A message of this name from its parts.

    Raises:
        ContentRefused: they are none of a message.
    """
    contents = pull_objects([part.object_id for part in iterate_object_tree(tree)], pull_object_fn=pull)
    try:
        message = inflate_object_from_contents(name, contents)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ContentRefused(f"what was sent is no message ({error})") from None
    if not isinstance(message, Message):
        raise ContentRefused("what was sent is no message")
    message.metadata.__dict__["_message_id"] = name
    return message
