"""Owns what a run says of how it can be watched. Knows nothing of what is to be seen."""

from __future__ import annotations

from pathlib import Path

from broker.bus.keys import WATCHER, public_file, secret_file
from broker.wire.messages import BROKER
from market.app.screen import complain
from market.app.tokens import TOKEN_VARIABLE


def tell_viewers(address: str, token: bytes, keys: Path | None) -> None:
    """Say how a run can be watched from its first message on."""
    files = f"{public_file(Path(), BROKER)} and {secret_file(Path(), WATCHER)}"
    keyed = "" if keys is None else f" --keys DIR   (DIR holds {files})"
    complain("watch it with")
    complain(f"  {TOKEN_VARIABLE}={token.hex()} vppmarket view {address}{keyed}")


def tell_nobody(address: str, token: bytes) -> None:
    """Keep address and token to oneself."""
