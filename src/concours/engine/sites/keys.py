"""Keys: by its private one a site is known to a SuperLink, which is told the public one. P-384, in OpenSSH's form, as
Flower's own programs take them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flwr.supercore.primitives.asymmetric import public_key_to_bytes

from concours.core.errors import ContestError

_CURVE = ec.SECP384R1


def own_key(file: Path) -> tuple[ec.EllipticCurvePrivateKey, bool]:
    """The private key in a file, and whether it has just been made; its public key lies beside, under `.pub`.

    Raises:
        ContestError: the file holds no such key.
    """
    try:
        key = serialization.load_ssh_private_key(file.read_bytes(), None)
    except FileNotFoundError:
        return _made(file), True
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _wrong(file, "private") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _wrong(file, "private")
    return key, False


def public_keys(folder: Path) -> Mapping[str, bytes]:
    """The public keys of sites, `NAME.pub` each, by name, as a SuperLink is told them.

    Raises:
        ContestError: there is none, or a file holds another key.
    """
    files = sorted(folder.glob("*.pub"))
    if not files:
        raise ContestError(f"--sites {folder}: expected a folder of public keys, NAME.pub for each site; found none")
    return {file.stem: public_key_to_bytes(_public(file)) for file in files}


def _public(file: Path) -> ec.EllipticCurvePublicKey:
    try:
        key = serialization.load_ssh_public_key(file.read_bytes())
    except (ValueError, UnsupportedAlgorithm):
        raise _wrong(file, "public") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise _wrong(file, "public")
    return key


def _made(file: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(_CURVE())
    file.parent.mkdir(parents=True, exist_ok=True)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as kept:
        kept.write(private)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    file.with_name(f"{file.name}.pub").write_bytes(public + b"\n")
    return key


def _wrong(file: Path, what: str) -> ContestError:
    return ContestError(
        f"{file} holds no {what} key of an elliptic curve in OpenSSH's form; make one with: "
        f"ssh-keygen -t ecdsa -b 384 -N '' -f {file.with_suffix('') if what == 'public' else file}"
    )
