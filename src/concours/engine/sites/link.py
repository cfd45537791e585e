"""The server's end of a federation: a run on a SuperLink, whose server this process is itself.

Flower starts a program for that, from an archive of code that is handed in with the run, and one more at each site for
every message. Here nothing of that happens: the archive that a run must have holds no code, the task that stands for
its server is taken by whoever began it (as Flower's SuperExec takes it), and sites answer from a process that stays.
"""

from __future__ import annotations

import hashlib
import io
import secrets
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TypeVar

from flwr.app import Message, Metadata, RecordDict
from flwr.app.message import make_message
from flwr.app.message_type import MessageType
from flwr.common.constant import SUPERLINK_NODE_ID, SubStatus
from flwr.proto.control_pb2 import ListNodesRequest, RegisterNodeRequest, StartRunRequest
from flwr.proto.fab_pb2 import Fab
from flwr.proto.message_pb2 import ConfirmMessageReceivedRequest
from flwr.proto.node_pb2 import Node
from flwr.proto.runtime_pb2 import (
    AcquireTaskRequest,
    PullAppMessagesRequest,
    PullTaskInputRequest,
    PushAppMessagesRequest,
    PushTaskOutputRequest,
    SendTaskHeartbeatRequest,
)
from flwr.supercore.control import ControlHttpClient
from flwr.supercore.inflatable.inflatable_protobuf_utils import (
    make_pull_object_fn_protobuf,
    make_push_object_fn_protobuf,
)
from flwr.supercore.inflatable.inflatable_utils import ObjectPullError, push_objects
from flwr.supercore.interceptors import RuntimeTokenHttpInterceptor
from flwr.supercore.runtime import RuntimeHttpClient

from concours.core.errors import EndpointRefused
from concours.engine.sites.pulse import Pulse
from concours.engine.sites.reaching import NotThere, Unwanted, asking, client
from concours.engine.sites.wire import packed, unpacked

T = TypeVar("T")
_ALIVE_S = 15.0

_ARCHIVE = """[project]
name = "federation"
version = "1.0.0"
description = "Federation {name} of Concours: its server and its sites bring their own code"
license = "Apache-2.0"
dependencies = []
[tool.flwr.app]
publisher = "concours"
[tool.flwr.app.components]
serverapp = "concours:server"
clientapp = "concours:site"
"""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A site as the SuperLink knows it.

    Attributes:
        node: its number there.
        name: as it was registered; the number, where it has none.
        online: whether it has lately given a sign of life.
        key: its public key, as bytes.
    """

    node: int
    name: str
    online: bool
    key: bytes


class Link:
    """A run on a SuperLink. Messages are sent in it, and replies come back.

    Raises:
        EndpointRefused: by all that is asked: nobody answers at the address, or somebody who is not to be trusted.
    """

    def __init__(self, address: str, root: bytes | None) -> None:
        self._address, self._root = address, root
        self._control = client(ControlHttpClient, address, root, who="flwr CLI")
        self._run: _Run | None = None

    def places(self) -> list[Place]:
        """All sites that are registered, by name."""
        found = self._asked(lambda: self._control.ListNodes(ListNodesRequest())).nodes_info
        places = [
            Place(node=n.node_id, name=n.name or str(n.node_id), online=n.status == "online", key=n.public_key)
            for n in found
            if n.status != "unregistered"
        ]
        return sorted(places, key=lambda place: (place.name, place.node))

    def admit(self, keys: Mapping[str, bytes]) -> None:
        """Registers sites by their public keys, as far as they are not known."""
        known = {place.key for place in self.places()}
        asked = [RegisterNodeRequest(public_key=key, name=name) for name, key in keys.items() if key not in known]
        for request in asked:
            self._asked(partial(self._control.RegisterNode, request))

    def send(self, contents: Sequence[tuple[int, RecordDict]], *, ttl_s: float) -> list[str]:
        """Sends each content to a node. Gives the names under which replies are asked for.

        Raises:
            NotThere: the SuperLink cannot be reached now.
            Unwanted: the run has ended; those of the next one have to be sent anew.
        """
        run = self._running()
        every = [packed(_message(run.id, node, content, ttl_s)) for node, content in contents]
        with self._in(run):
            told = run.client.PushMessages(
                PushAppMessagesRequest(
                    messages_list=[each.head for each in every], message_object_trees=[each.tree for each in every]
                )
            )
            push = make_push_object_fn_protobuf(run.client.PushObject, _SERVER, run.id, told.session_id)
            parts = dict(chain.from_iterable(each.parts.items() for each in every))  # what several have goes once
            push_objects(parts, push, object_ids_to_push=set(told.objects_to_push))
        return list(told.message_ids)

    def replies(self, names: Iterable[str]) -> dict[str, Message | None]:
        """The replies that have come, by what they reply to; none where there will be none, as its site has gone.

        Raises:
            NotThere, Unwanted: as of `send`.
        """
        run = self._running()
        with self._in(run):
            told = run.client.PullMessages(PullAppMessagesRequest(message_ids=sorted(names)))
            found: dict[str, Message | None] = {}
            for head, tree in zip(told.messages_list, told.message_object_trees, strict=True):
                pull = make_pull_object_fn_protobuf(run.client.PullObject, _SERVER, run.id)
                name = head.metadata.message_id
                try:
                    message = unpacked(name, tree, pull)
                except ObjectPullError:  # the site went while it was sending
                    found[head.metadata.reply_to_message_id] = None
                    continue
                run.client.ConfirmMessageReceived(
                    ConfirmMessageReceivedRequest(node=_SERVER, run_id=run.id, message_object_id=name)
                )
                found[message.metadata.reply_to_message_id] = None if message.has_error() else message
        return found

    def close(self) -> None:
        """Ends the run, so that sites let go of what they do for it. Idempotent."""
        if self._run:
            with suppress(NotThere, Unwanted, EndpointRefused), asking(self._address):
                self._run.client.PushTaskOutput(PushTaskOutputRequest(sub_status=SubStatus.COMPLETED))
            self._let_go(self._run)
        self._control.close()

    def _running(self) -> _Run:
        if self._run is None:
            self._run = self._begun()
        return self._run

    def _begun(self) -> _Run:
        """A new run, whose server this process is."""
        archive = _archive(secrets.token_hex(8))
        name = hashlib.sha256(archive).hexdigest()
        with asking(self._address):
            number = self._control.StartRun(StartRunRequest(fab=Fab(hash_str=name, content=archive))).run_id
        executor = client(RuntimeHttpClient, self._address, self._root, who="flower-superexec")
        with asking(self._address), executor:
            taken = executor.AcquireTask(AcquireTaskRequest(agentapp_fab_hashes=[name]))
        if not taken.token:
            why = "another program has taken the run: start the SuperLink with --isolation process"
            raise EndpointRefused(f"{self._address}: {why}")
        token = RuntimeTokenHttpInterceptor(taken.token)
        made = client(RuntimeHttpClient, self._address, self._root, token, who="flwr-serverapp")
        with asking(self._address):
            made.PullTaskInput(PullTaskInputRequest())
        pulse = Pulse(lambda: made.SendTaskHeartbeat(SendTaskHeartbeatRequest()), every_s=_ALIVE_S)
        return _Run(id=number, client=made, pulse=pulse.started())

    @contextmanager
    def _in(self, run: _Run) -> Iterator[None]:
        """Calls in a run; where it has ended, the next call begins another."""
        try:
            with asking(self._address):
                yield
        except Unwanted:
            self._let_go(run)
            raise

    def _let_go(self, run: _Run) -> None:
        run.pulse.stop()
        run.client.close()
        self._run = None

    def _asked(self, call: Callable[[], T]) -> T:
        """What a call gives that must be answered now."""
        try:
            with asking(self._address):
                return call()
        except (NotThere, Unwanted) as error:
            raise EndpointRefused(str(error)) from None


@dataclass(frozen=True, kw_only=True)
class _Run:
    id: int
    client: RuntimeHttpClient
    pulse: Pulse


_SERVER = Node(node_id=SUPERLINK_NODE_ID)


def _message(run: int, node: int, content: RecordDict, ttl_s: float) -> Message:
    head = Metadata(
        run_id=run,
        message_id="",
        src_node_id=SUPERLINK_NODE_ID,
        dst_node_id=node,
        reply_to_message_id="",
        group_id="",
        created_at=time.time(),
        ttl=ttl_s,
        message_type=MessageType.TRAIN,
    )
    return make_message(metadata=head, content=content)


def _archive(name: str) -> bytes:
    """What Flower wants of a run: an archive whose only file says that there is nothing in it, and which run it is."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("pyproject.toml"), _ARCHIVE.format(name=name))
    return file.getvalue()
