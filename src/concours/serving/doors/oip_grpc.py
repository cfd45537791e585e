"""The Open Inference Protocol, version 2, over gRPC: its messages as bytes."""

from __future__ import annotations

from typing import Final

from google.protobuf.message import DecodeError

from concours.serving.doors.door import Door, Wanted
from concours.serving.doors.oip import Outputs, wanted_of
from concours.serving.messages import CONTENTS, MESSAGES
from concours.serving.model import Served
from concours.serving.refused import Refused, as_plain
from concours.serving.tensors import Tensor, from_bytes, from_values, outputs_of, predicted, to_bytes
from concours.serving.wire import Ask, Told
from concours.tasks.outputs.output import Values


def read(served: Served, ask: Ask) -> Wanted:
    """What a request wants. Raises Refused."""
    try:
        request = MESSAGES["ModelInferRequest"].FromString(ask.body)
    except DecodeError as error:
        raise Refused(f"the request is no ModelInferRequest: {error}") from None
    raw, tensors = list(request.raw_input_contents), list[Tensor]()
    if raw and len(raw) != len(request.inputs):
        raise Refused(f"raw_input_contents has {len(raw)} entries, and there are {len(request.inputs)} inputs")
    for place, each in enumerate(request.inputs):
        shape = list(each.shape)
        if any(size < 0 for size in shape):
            raise Refused(f"input {each.name!r}: shape is {shape}")
        if raw:
            tensors.append(from_bytes(each.name, each.datatype, shape, raw[place]))
            continue
        values = list(getattr(each.contents, CONTENTS.get(each.datatype, "bytes_contents")))
        tensors.append(from_values(each.name, each.datatype, shape, values))
    known = [each["name"] for each in outputs_of(served)]
    asked = [each.name for each in request.outputs]
    if unknown := [name for name in asked if name not in known]:
        raise Refused(f"output {unknown[0]!r} is not one of the model's, which are {', '.join(known)}")
    return wanted_of(served, ask, tensors, Outputs(dict.fromkeys(asked or known, True), request.id))


def write(served: Served, wanted: Wanted, p: Values, partly: str) -> Told:
    """The answer, whose tensors are raw."""
    response = MESSAGES["ModelInferResponse"](
        model_name=wanted.ask.query.get("model", served.name),
        model_version=wanted.ask.query.get("version", ""),
        id=wanted.more.id,
    )
    for tensor in predicted(served, p):
        if tensor.name in wanted.more.names:
            response.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
            response.raw_output_contents.append(to_bytes(tensor))
    if partly:
        said = response.parameters.add(key="partly")
        said.value.string_param = partly
    return Told(wanted.ask.id, response.SerializeToString(), type="application/grpc", rows=len(p))


OIP_GRPC: Final = Door(read=read, write=write, refuse=as_plain)
