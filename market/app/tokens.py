"""Owns a run's token as people pass it on: 32 hexadecimal digits. Knows nothing of who checks it.

Where keys are in use they keep strangers out, and nobody has to pass a token on: it follows from the broker's key.
"""

from __future__ import annotations

import hashlib
import re

from broker.wire.frames import TOKEN_BYTES
from market.errors import Fault, ScenarioError

TOKEN_VARIABLE = "VPPMARKET_TOKEN"
_TOKEN = re.compile(rf"[0-9a-f]{{{2 * TOKEN_BYTES}}}\Z")


def parse_token(text: str | None) -> bytes:
    """The token in `text`; ScenarioError if there is none, or if it is no token."""
    if not text:
        remedy = f"set {TOKEN_VARIABLE} or give --token; the broker prints it"
        raise ScenarioError([Fault("the run's token is needed", "none", "--token", remedy)])
    if not _TOKEN.match(text):
        remedy = "copy it from what the broker printed"
        raise ScenarioError(
            [Fault(f"must be {2 * TOKEN_BYTES} hexadecimal digits", repr(text), "--token", remedy)]
        )
    return bytes.fromhex(text)


def token_from_key(broker_public: bytes) -> bytes:
    """The token of a market whose broker has this public key."""
    return hashlib.blake2b(broker_public, digest_size=TOKEN_BYTES, person=b"vppmarket token").digest()
