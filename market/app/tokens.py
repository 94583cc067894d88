"""Owns a run's token as people pass it on: 32 hexadecimal digits. Knows nothing of who checks it.

Where keys are in use they keep strangers out, and nobody has to pass a token on: it follows from the broker's key.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from broker.wire.frames import TOKEN_BYTES
from market.errors import Fault, ScenarioError

TOKEN_VARIABLE = "VPPMARKET_TOKEN"
TOKEN_FILE = "join.token"
"""Where a broker leaves the run's token, in its run folder, readable by its owner only."""
_TOKEN = re.compile(rf"[0-9a-f]{{{2 * TOKEN_BYTES}}}\Z")


def parse_token(text: str | None) -> bytes:
    """The token in `text`; ScenarioError if there is none, or if it is no token."""
    if not text:
        remedy = f"give --token-file, the {TOKEN_FILE} in the broker's run folder, or set {TOKEN_VARIABLE}"
        raise ScenarioError([Fault("the run's token is needed", "none", "--token", remedy)])
    if not _TOKEN.match(text):
        remedy = "copy it from what the broker printed"
        raise ScenarioError(
            [Fault(f"must be {2 * TOKEN_BYTES} hexadecimal digits", repr(text), "--token", remedy)]
        )
    return bytes.fromhex(text)


def read_token(path: Path) -> bytes:
    """The token in a file, such as a broker leaves in its run folder; ScenarioError if it holds none."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a text"
        remedy = f"name the {TOKEN_FILE} that the broker left in its run folder"
        rule = "the run's token must be in it"
        raise ScenarioError([Fault(rule, reason.lower(), f"--token-file {path}", remedy)]) from None
    return parse_token(text.strip())


def token_of(text: str | None, file: Path | None) -> bytes:
    """The token in a flag or variable, or in a file; ScenarioError if there is none."""
    return read_token(file) if file is not None else parse_token(text)


def token_from_key(broker_public: bytes) -> bytes:
    """The token of a market whose broker has this public key."""
    return hashlib.blake2b(broker_public, digest_size=TOKEN_BYTES, person=b"vppmarket token").digest()
