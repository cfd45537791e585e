"""Secrets of a site in a round that is summed up unseen: keys, parts of them for its neighbours, and masks.

Keys are agreed on by elliptic curves, secrets shared by Shamir's scheme and parts sealed by Fernet, all by functions
that Flower has for its own SecAgg+. Masks are a stream of AES-256 in counter mode (Bonawitz et al. 2017, §4): Flower's
come of a generator that is seeded by 32 bits, which whoever sees a masked vector can try out.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from flwr.common.secure_aggregation.crypto.shamir import combine_shares, create_shares
from flwr.common.secure_aggregation.crypto.symmetric_encryption import decrypt, encrypt, generate_shared_key
from flwr.common.secure_aggregation.secaggplus_utils import share_keys_plaintext_concat, share_keys_plaintext_separate
from flwr.supercore.primitives.asymmetric import (
    bytes_to_private_key,
    bytes_to_public_key,
    generate_key_pairs,
    private_key_to_bytes,
    public_key_to_bytes,
)

import concours.engine.quiet  # noqa: F401 (before Flower)
from concours.kernels.federating.masking import Words, added

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Public:
    """The public halves of a site's keys of a round: by the one masks are agreed on, by the other parts are sealed."""

    mask: bytes
    seal: bytes


@dataclass(frozen=True, kw_only=True)
class Secret:
    """What a site keeps to itself in a round: the private halves of two keys, and the seed of a mask of its own.

    Without that mask its vector would lie bare where it is taken for gone and answers after all.
    """

    mask: bytes
    seal: bytes
    seed: bytes

    @classmethod
    def drawn(cls) -> Self:
        """A new one, from the operating system."""
        mask, seal = (private_key_to_bytes(generate_key_pairs()[0]) for _ in range(2))
        return cls(mask=mask, seal=seal, seed=os.urandom(32))

    @property
    def public(self) -> Public:
        mask, seal = (public_key_to_bytes(bytes_to_private_key(key).public_key()) for key in (self.mask, self.seal))
        return Public(mask=mask, seal=seal)

    def sealed(self, own: int, keys: Mapping[int, Public], count: int) -> dict[int, bytes]:
        """For each neighbour its parts of the seed and of the key of masks, which nobody else can read.

        Args:
            own: the site's place among those of the round.
            keys: of its neighbours by place, its own among them.
            count: how many parts it takes to know either.
        """
        shares = zip(
            create_shares(self.seed, count, len(keys)), create_shares(self.mask, count, len(keys)), strict=True
        )
        return {
            place: encrypt(_agreed(self.seal, keys[place].seal), share_keys_plaintext_concat(own, place, *both))
            for place, both in zip(sorted(keys), shares, strict=True)
        }

    def opened(self, own: int, place: int, key: Public, sealed: bytes) -> tuple[bytes, bytes]:
        """The parts that somebody sealed for this site: of the seed, and of the key of masks.

        Raises:
            ValueError: they are from or for somebody else, or have been changed.
        """
        try:
            sender, to, seed, mask = share_keys_plaintext_separate(decrypt(_agreed(self.seal, key.seal), sealed))
        except InvalidToken:
            sender = to = -1
        if (sender, to) != (place, own):
            raise ValueError(f"what is said to be sealed by site {place} for site {own} is not")
        return seed, mask

    def mask_of(self, own: int, keys: Mapping[int, Public], shapes: Shapes) -> dict[str, Words]:
        """What covers the site's vector: the mask of its own, and one with each of the others (`between`)."""
        others = [between(self.mask, own, key.mask, place, shapes) for place, key in keys.items() if place != own]
        return added([stream(self.seed, shapes), *others])


def between(private: bytes, own: int, public: bytes, place: int, shapes: Shapes) -> dict[str, Words]:
    """The mask of two sites as one of them adds it. Law: what the other adds cancels it."""
    words = stream(base64.urlsafe_b64decode(_agreed(private, public)), shapes)
    return words if own > place else {name: -each for name, each in words.items()}


def stream(seed: bytes, shapes: Shapes) -> dict[str, Words]:
    """Words of a seed (32 bytes), by name; each seed is of one round, so that no stream is used twice."""
    encryptor = Cipher(algorithms.AES(seed), modes.CTR(bytes(16))).encryptor()
    return {
        name: np.frombuffer(encryptor.update(bytes(8 * int(np.prod(shape)))), "<u8").astype(np.uint64).reshape(shape)
        for name, shape in shapes.items()
    }


def together(shares: Sequence[bytes], count: int) -> bytes:
    """The secret of its parts, of which it takes so many.

    Raises:
        ValueError: there are too few of them, or they are of several secrets.
    """
    if len(shares) < count:
        raise ValueError(f"{len(shares)} parts of a secret are there, and it takes {count} to know it")
    return combine_shares(list(shares[:count]))


def _agreed(private: bytes, public: bytes) -> bytes:
    return generate_shared_key(bytes_to_private_key(private), bytes_to_public_key(public))
