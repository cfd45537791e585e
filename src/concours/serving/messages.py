"""The messages of the Open Inference Protocol over gRPC, as its version 2 numbers their fields.

They live in a pool of their own, so that a client's generated module of the same names may be loaded beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE: Final = "inference"
SERVICE: Final = "inference.GRPCInferenceService"

_FIELDS: Final[Mapping[str, str]] = {
    "ServerLiveRequest": "",
    "ServerLiveResponse": "live=1 bool",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "ready=1 bool",
    "ModelReadyRequest": "name=1 string, version=2 string",
    "ModelReadyResponse": "ready=1 bool",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": "name=1 string, version=2 string, extensions=3 string*",
    "ModelMetadataRequest": "name=1 string, version=2 string",
    "TensorMetadata": "name=1 string, datatype=2 string, shape=3 int64*",
    "ModelMetadataResponse": "name=1 string, versions=2 string*, platform=3 string, inputs=4 TensorMetadata*, "
    "outputs=5 TensorMetadata*",
    "InferParameter": "bool_param=1 bool, int64_param=2 int64, string_param=3 string, double_param=4 double, "
    "uint64_param=5 uint64",
    "InferTensorContents": "bool_contents=1 bool*, int_contents=2 int32*, int64_contents=3 int64*, "
    "uint_contents=4 uint32*, uint64_contents=5 uint64*, fp32_contents=6 float*, fp64_contents=7 double*, "
    "bytes_contents=8 bytes*",
    "Parameter": "key=1 string, value=2 InferParameter",
    "InferTensor": "name=1 string, datatype=2 string, shape=3 int64*, parameters=4 Parameter*, "
    "contents=5 InferTensorContents",
    "InferRequestedOutput": "name=1 string, parameters=2 Parameter*",
    "ModelInferRequest": "model_name=1 string, model_version=2 string, id=3 string, parameters=4 Parameter*, "
    "inputs=5 InferTensor*, outputs=6 InferRequestedOutput*, raw_input_contents=7 bytes*",
    "ModelInferResponse": "model_name=1 string, model_version=2 string, id=3 string, parameters=4 Parameter*, "
    "outputs=5 InferTensor*, raw_output_contents=6 bytes*",
}
"""Fields of each message: a name, its number, its type, and `*` where it is repeated. Parameters are a map on the wire,
which is a repeated pair of key and value.
"""
_TYPES: Final = {
    name: getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{name.upper()}")
    for name in ("bool", "string", "bytes", "int32", "int64", "uint32", "uint64", "float", "double")
}


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="open_inference.proto", package=PACKAGE, syntax="proto3")
    for message, fields in _FIELDS.items():
        made = file.message_type.add(name=message)
        for text in filter(None, fields.split(", ")):
            named, kind = text.split()
            name, number = named.split("=")
            field = made.field.add(name=name, number=int(number))
            many, kind = kind.endswith("*"), kind.rstrip("*")
            field.label = field.LABEL_REPEATED if many else field.LABEL_OPTIONAL
            if kind in _TYPES:
                field.type = _TYPES[kind]
            else:
                field.type, field.type_name = field.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in _FIELDS}


MESSAGES: Final[Mapping[str, Any]] = _classes()
"""Classes of messages, by name."""
CONTENTS: Final[Mapping[str, str]] = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""Where a tensor's values stand that are not raw, by their type."""
