"""The tokens of a run as people pass them on: 32 hexadecimal digits, best in a file.

One token lets a node take part, another lets somebody look on; neither follows from the other. Where keys are in
use they keep strangers out, and nobody has to pass a token on: it follows from the broker's key.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from broker.wire.frames import TOKEN_BYTES
from market.app.results.folder import RunFolder
from market.errors import Fault, ScenarioError

TOKEN_VARIABLE = "VPPMARKET_TOKEN"
TOKEN_FILE = "join.token"
"""Where a broker leaves the run's token, in its run folder, readable by its owner only."""
WATCH_TOKEN_FILE = "watch.token"
"""Where a broker leaves the watching token, likewise."""
_TOKEN = re.compile(rf"[0-9a-f]{{{2 * TOKEN_BYTES}}}\Z")


@dataclass(frozen=True, slots=True)
class TokenKind:
    """What a token is for: how it is called, the variable that may hold it, the file that the broker leaves."""

    called: str
    variable: str
    file: str


JOINING = TokenKind("the run's token", TOKEN_VARIABLE, TOKEN_FILE)
WATCHING = TokenKind("the watching token", "VPPMARKET_WATCH_TOKEN", WATCH_TOKEN_FILE)


def parse_token(text: str | None, kind: TokenKind = JOINING) -> bytes:
    """The token in `text`; ScenarioError if there is none, or if it is no token."""
    if not text:
        remedy = f"give --token-file, the {kind.file} in the broker's run folder, or set {kind.variable}"
        raise ScenarioError([Fault(f"{kind.called} is needed", "none", "--token", remedy)])
    if not _TOKEN.match(text):
        remedy = f"copy it from {kind.file} in the broker's run folder"
        raise ScenarioError(
            [Fault(f"must be {2 * TOKEN_BYTES} hexadecimal digits", repr(text), "--token", remedy)]
        )
    return bytes.fromhex(text)


_LONGEST = 1000
"""Characters of a token's file that are read."""


def read_token(path: Path, kind: TokenKind = JOINING) -> bytes:
    """The token in a file, such as a broker leaves in its run folder; ScenarioError if it holds none."""
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            raise ValueError(f"{path} is a pipe, a device or a folder")
        with path.open(encoding="ascii") as file:
            text = file.read(_LONGEST)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a text"
        remedy = f"name the {kind.file} that the broker left in its run folder"
        rule = f"{kind.called} must be in it"
        raise ScenarioError([Fault(rule, reason.lower(), f"--token-file {path}", remedy)]) from None
    try:
        return parse_token(text.strip(), kind)
    except ScenarioError:
        remedy = f"name the {kind.file} that the broker left in its run folder"
        raise ScenarioError(
            [Fault(f"{kind.called} must be in it", "something else", f"--token-file {path}", remedy)]
        ) from None


def token_of(text: str | None, file: Path | None, kind: TokenKind = JOINING) -> bytes:
    """The token in a flag or variable, or in a file; ScenarioError if there is none."""
    return read_token(file, kind) if file is not None else parse_token(text, kind)


def keep_token(folder: Path, token: bytes, kind: TokenKind) -> Path:
    """Leave a token in a folder, in a file that nobody but its owner can read at any moment; returns its path."""
    RunFolder(folder).write(kind.file, token.hex() + "\n")
    return folder / kind.file


def shown_to_others(text: str | None, kind: TokenKind = JOINING) -> str:
    """What to tell somebody who has given a token as a flag, where other users of the machine can read it."""
    if not text or os.environ.get(kind.variable) == text:
        return ""
    return (
        f"note: other users of this machine can read --token in the list of processes; "
        f"--token-file and {kind.variable} are not shown"
    )


def token_from_key(broker_public: bytes) -> bytes:
    """The token of a market whose broker has this public key."""
    return hashlib.blake2b(broker_public, digest_size=TOKEN_BYTES, person=b"vppmarket token").digest()
