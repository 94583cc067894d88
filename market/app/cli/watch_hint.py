"""Prints how a run can be watched while it goes on: commands that work as they stand."""

from __future__ import annotations

import os
from pathlib import Path

from broker.bus.keys import WATCHER, NodeKeys, public_file, secret_file, write_node_keys
from broker.wire.messages import BROKER
from market.app.cli.console import echo_error
from market.app.runs.command_line import pasted
from market.app.runs.tokens import WATCHING, keep_token

WATCH_FOLDER = "watch"
"""Where a run that has made its own keys leaves those of its watcher, in its run folder."""


def tell_by_fresh_keys(address: str, run: Path, watcher: NodeKeys) -> None:
    """Leave the watcher's keys in the run folder, for its owner only, and say how the run can be watched."""
    write_node_keys(run / WATCH_FOLDER, WATCHER, watcher)
    _tell(address, "--keys", run / WATCH_FOLDER)


def tell_by_keys(address: str, keys: Path) -> None:
    """Say how a run with keys of its users' can be watched; the watcher's need not be on this machine."""
    if os.path.isfile(secret_file(keys, WATCHER)):
        _tell(address, "--keys", keys)
    else:
        files = f"{public_file(Path(), BROKER)} and {secret_file(Path(), WATCHER)}"
        echo_error(f"who has {files} in a folder DIR watches it with vppmarket view {address} --keys DIR")


def tell_by_token(address: str, run: Path, watch_token: bytes) -> None:
    """Leave the watching token in the run folder, for its owner only, and say how the run can be watched."""
    _tell(address, "--token-file", keep_token(run, watch_token, WATCHING))


def _tell(address: str, flag: str, pass_: Path) -> None:
    echo_error("watch it with")
    echo_error(f"  {pasted('view', address, flag, pass_)}")
