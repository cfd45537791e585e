"""A site's end of a federation: a node on a SuperLink, which is given messages and answers them.

What Flower starts for that, a SuperNode, fetches code with a run and starts a process for every message. This one
fetches no code, and answers from the process that it is in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cryptography.hazmat.primitives.asymmetric import ec
from flwr.app import Message, RecordDict
from flwr.proto.fleet_pb2 import (
    ActivateNodeRequest,
    DeactivateNodeRequest,
    PullMessagesRequest,
    PushMessagesRequest,
)
from flwr.proto.heartbeat_pb2 import SendNodeHeartbeatRequest
from flwr.proto.message_pb2 import ConfirmMessageReceivedRequest
from flwr.proto.node_pb2 import Node as NodeNumber
from flwr.supercore.inflatable.inflatable_protobuf_utils import (
    make_pull_object_fn_protobuf,
    make_push_object_fn_protobuf,
)
from flwr.supercore.inflatable.inflatable_utils import ObjectPullError, ObjectPushError, push_objects
from flwr.supercore.primitives.asymmetric import public_key_to_bytes
from flwr.supernode.fleet_http_client import FleetHttpClient
from flwr.supernode.node_auth_http_interceptor import NodeAuthHttpInterceptor

from concours.core.errors import ContentRefused, EndpointRefused
from concours.engine.sites.pulse import Pulse
from concours.engine.sites.reaching import NotThere, Unwanted, asking, client
from concours.engine.sites.wire import packed, unpacked

_INTERVAL_S = 10.0
"""Of signs of life, as the SuperLink is told; twice as long without one, and the site has gone."""
_ALIVE_S = 4.0


@contextmanager
def online(address: str, root: bytes | None, key: ec.EllipticCurvePrivateKey) -> Iterator[Node]:
    """A site at a SuperLink, known by its key, for as long as it is there for others.

    Raises:
        NotThere: the SuperLink cannot be reached now.
        Unwanted: it does not know the key.
        EndpointRefused: whoever answers is not to be trusted.
    """
    public = key.public_key()
    made = client(FleetHttpClient, address, root, NodeAuthHttpInterceptor(key, public), who="SuperNode")
    asked = ActivateNodeRequest(public_key=public_key_to_bytes(public), heartbeat_interval=_INTERVAL_S)
    with made:
        with asking(address):
            number = NodeNumber(node_id=made.ActivateNode(asked).node_id)
        sign = SendNodeHeartbeatRequest(node=number, heartbeat_interval=_INTERVAL_S)
        pulse = Pulse(lambda: made.SendNodeHeartbeat(sign), every_s=_ALIVE_S).started()
        try:
            yield Node(address, made, number)
        finally:
            pulse.stop()
            with suppress(NotThere, Unwanted, EndpointRefused), asking(address):
                made.DeactivateNode(DeactivateNodeRequest(node_id=number.node_id))


class Node:
    """A site that is there for others: what it is sent, and what it answers. Its methods raise as `online` does."""

    def __init__(self, address: str, client: FleetHttpClient, number: NodeNumber) -> None:
        self._address, self._client, self._number = address, client, number

    def receive(self) -> Message | None:
        """The next message, if there is one. What is damaged, or was withdrawn while it came, is left out."""
        with asking(self._address):
            told = self._client.PullMessages(PullMessagesRequest(node=self._number))
        for head, tree in zip(told.messages_list, told.message_object_trees, strict=True):
            run, name = head.metadata.run_id, head.metadata.message_id
            pull = make_pull_object_fn_protobuf(self._client.PullObject, self._number, run)
            with suppress(ObjectPullError, ContentRefused), asking(self._address):
                message = unpacked(name, tree, pull)
                self._client.ConfirmMessageReceived(
                    ConfirmMessageReceivedRequest(node=self._number, run_id=run, message_object_id=name)
                )
                return message
        return None

    def answer(self, message: Message, content: RecordDict) -> None:
        """Sends what came of a message. Raises Unwanted where nobody waits for it any longer."""
        ready, run = packed(Message(content, reply_to=message)), message.metadata.run_id
        with asking(self._address):
            told = self._client.PushMessages(
                PushMessagesRequest(
                    node=self._number,
                    messages_list=[ready.head],
                    message_object_trees=[ready.tree],
                    clientapp_runtime_list=[0.0],
                )
            )
            push = make_push_object_fn_protobuf(self._client.PushObject, self._number, run, told.session_id)
            try:
                push_objects(dict(ready.parts), push, object_ids_to_push=set(told.objects_to_push))
            except ObjectPushError:
                raise Unwanted(f"{self._address}: nobody waits for the answer any longer") from None
