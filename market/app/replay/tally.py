"""Owns what a replay comes to: how many decisions of whom are the recorded ones. Knows nothing of how it is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from broker.tape import Record
from market.app.replay.broker_replay import BrokerReplay
from market.app.replay.decision import Agreement, Decision
from market.app.replay.replay import Replay
from market.app.replay.standing import standing
from market.app.scene.view import MarketView, apply

_TIME_AT = {"epoch": 2, "left": 1, "back": 1, "resumed": 1, "message": 1, "turn": 2, "done": 1, "command": 2}
