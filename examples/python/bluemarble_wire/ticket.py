"""Tickets and tokens (section 2): what a player is let in with, and the proof that the ticket is the player's own."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .reader import Malformed, Reader, clean_text, legal

PROOF_PREFIX = b"bluemarble enter 1"
RETURN_PREFIX = b"bluemarble again 1"
TOKEN_PREFIX = b"bluemarble token 2"
TOKEN_BYTES = 185
TOKEN_VERSION = 2
HOLD_S_MAX = 60


@dataclass(frozen=True)
class Ticket:
    """One line of text, `bm2.<token>.<fingerprint>.<key>`, taken apart."""

    token: bytes
    """Passed on as it is."""
    fingerprint: bytes
    """SHA-256 of the certificate of the only server that is meant."""
    key_seed: bytes
    """The player's secret: the seed of an Ed25519 key. It is never sent."""

    def proof(self, exported: bytes) -> bytes:
        """The signature that proves, in the TLS session that exported these 32 bytes alone, that the key is here."""
        key = Ed25519PrivateKey.from_private_bytes(self.key_seed)
        return key.sign(PROOF_PREFIX + exported)

    def proof_of_return(self, exported: bytes) -> bytes:
        """The same for a player who comes back: neither is good for the other."""
        key = Ed25519PrivateKey.from_private_bytes(self.key_seed)
        return key.sign(RETURN_PREFIX + exported)

    @property
    def world_id(self) -> int:
        """The world that the token opens: the only thing in it that a client reads."""
        return int.from_bytes(self.token[1:9], "little")


@dataclass(frozen=True)
class Token:
    """What a token says. Its signature is the server's to verify."""

    world_id: int
    player_id: int
    holds_from_s: int
    holds_until_s: int
    name: str
    nonce: bytes
    holder: bytes
    audience: bytes
    signature: bytes

    def signed(self, token: bytes) -> bytes:
        """What the issuer has signed of the token's bytes."""
        return TOKEN_PREFIX + token[: TOKEN_BYTES - 64]


def parse_ticket(line: str) -> Ticket:
    """Reads a ticket as `bluemarble token` prints it."""
    parts = line.strip().split(".")
    legal(len(parts) == 4 and parts[0] == "bm2", "a ticket has the form bm2.<token>.<fingerprint>.<key>")
    token, fingerprint, key_seed = (from_base64url(part) for part in parts[1:])
    legal(len(fingerprint) == 32 and len(key_seed) == 32, "fingerprint and key of a ticket have 32 bytes")
    legal(len(token) == TOKEN_BYTES and token[0] == TOKEN_VERSION, "the token of a ticket is none of version 2")
    return Ticket(token, fingerprint, key_seed)


def from_base64url(text: str) -> bytes:
    """The bytes of base64url without padding."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("a part of a ticket is not base64url") from error
    canonical = base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    legal(canonical == text, "a part of a ticket is not base64url")
    return data


def decode_token(data: bytes) -> Token:
    """Reads a token of version 2, as a server would; to clients it means nothing."""
    reader = Reader(data)
    reader.kind(TOKEN_VERSION)
    token = Token(
        world_id=reader.u64(),
        player_id=reader.u64(),
        holds_from_s=reader.u64(),
        holds_until_s=reader.u64(),
        name=padded_name(reader.take(24)),
        nonce=reader.take(16),
        holder=reader.take(32),
        audience=reader.take(16),
        signature=reader.take(64),
    )
    reader.end()
    legal(1 <= token.holds_until_s - token.holds_from_s <= HOLD_S_MAX, "a token holds for 1 to 60 s")
    return token


def padded_name(field: bytes) -> str:
    """1 to 24 bytes of clean UTF-8, then zeros."""
    name = field.rstrip(b"\0")
    legal(len(name) > 0, "a name is empty")
    return clean_text(name)
