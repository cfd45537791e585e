"""Reaching a SuperLink, the program of Flower's that passes messages on, by the address where all that it serves lies.

Flower's own commands stop the process they run in where something is wrong; its clients (`ProtobufClient`) raise, and
are what is used here. Every call is encrypted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import httpx
from flwr.supercore.error import FlowerError
from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor
from flwr.supercore.protobuf.client import ProtobufClient, ProtobufClientInterceptor

from concours.core.errors import ContestError, EndpointRefused

logging.getLogger("flwr").setLevel(logging.ERROR)
logging.getLogger("httpx").setLevel(logging.WARNING)

Client = TypeVar("Client", bound=ProtobufClient)
_NOT_NOW = (502, 503, 504)


class NotThere(Exception):
    """Nobody answers now; it may be otherwise later."""


class Unwanted(Exception):
    """The SuperLink will not have this: whoever asks is unknown to it, or what was asked for has ended."""


def client(
    of: Callable[..., Client], address: str, root: bytes | None, *interceptors: ProtobufClientInterceptor, who: str
) -> Client:
    """A client of one of the SuperLink's interfaces.

    Args:
        address: `host:port`.
        root: certificates (PEM) of those who may have signed the SuperLink's; none for those that the system trusts.
        who: which of Flower's programs it stands for.

    Raises:
        ContestError: the address is none, or there are no certificates in `root`.
    """
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdecimal() and 0 < int(port) < 2**16) or "/" in address:
        raise ContestError(f"--superlink {address}: expected host:port, e.g. federation.example.org:8000")
    every = [RuntimeVersionHttpInterceptor(component_name=who), *interceptors]
    try:
        made: Client = of.from_server_address(address, False, root, every)  # type: ignore[attr-defined]
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        raise ContestError("--root-certificates: expected certificates in PEM (-----BEGIN CERTIFICATE-----)") from None
    return made


@contextmanager
def asking(address: str) -> Iterator[None]:
    """What Flower's clients raise becomes one of three.

    Raises:
        NotThere: nobody answers, or not now.
        Unwanted: the answer is no.
        EndpointRefused: whoever answers cannot be trusted, or is no SuperLink of this version of Flower.
    """
    try:
        yield
    except httpx.TransportError as error:
        raise _of_transport(address, error) from None
    except httpx.HTTPStatusError as error:
        code = error.response.status_code
        if code in _NOT_NOW:
            raise NotThere(f"{address}: the SuperLink is not ready (HTTP {code})") from None
        told = FlowerError.from_json(error.response.text)
        said = told.message if told else f"HTTP {code}"
        if told or code in (401, 403, 404, 412):
            raise Unwanted(f"{address}: {said}") from None
        raise EndpointRefused(f"{address}: no SuperLink of Flower answers there (HTTP {code})") from None
    except ValueError as error:  # what came back is no message of its protocol
        raise EndpointRefused(f"{address}: no SuperLink of Flower answers there ({error})") from None


def _of_transport(address: str, error: httpx.TransportError) -> Exception:
    """A certificate that does not hold is no matter of time; a connection is."""
    text = str(error).strip().partition("\n")[0]
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate" in text.casefold():
        why = text.partition("verify failed: ")[2].partition(" (_ssl")[0] or text
        cure = "give the certificate of whoever signed it: --root-certificates FILE"
        return EndpointRefused(f"{address}: its certificate is not to be trusted ({why}); {cure}")
    if "[SSL" in text:
        return EndpointRefused(f"{address}: no encrypted connection ({text}); the SuperLink has to be started with TLS")
    return NotThere(f"{address}: no SuperLink answers ({text or type(error).__name__}); is it started there?")
