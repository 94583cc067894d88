"""The state of a replayed run at a moment, as plain data: verdicts, and who has not yet confirmed.

What was on the tape comes from the view of the tape; who had confirmed, from the broker that was replayed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from market.app.history.period import PeriodNow, period_now
from market.app.history.snapshot import Snapshot
from market.app.replay.broker_replay import BrokerReplay
from market.game.period import PeriodGame


def state_at_moment(view: Snapshot, broker: BrokerReplay | None) -> dict[str, Any]:
    """Where the market stood after the records that `view` and `broker` have taken. Periods count from 1."""
    return {
        "time_s": view.time_s,
        "records": view.position,
        "phase": view.phase.value,
        "epoch": view.epoch,
        "roster": list(view.roster),
        "absent": dict(view.absent),
        "declared": [vpp for vpp in view.roster if vpp in view.declarations],
        "periods": [_period(now, broker) for now in _periods(view)],
        "under_way": [
            {"sender": p.sender, "receiver": p.receiver, "kind": p.kind, "number": p.seq, "sent_s": p.sent_s}
            for p in view.under_way.values()
        ],
    }


def _periods(view: Snapshot) -> Iterator[PeriodNow]:
    for period in range(len(view.games)):
        now = period_now(view, period)
        if now is not None and now.game.tradable:
            yield now


def _period(now: PeriodNow, broker: BrokerReplay | None) -> dict[str, Any]:
    prices = now.price_cny_per_mwh.tolist()
    offered = {s: price for s, price in zip(now.game.sellers, prices, strict=True) if price == price}
    chosen = [
        (buyer, row) for buyer, row in zip(now.game.buyers, now.probability.tolist(), strict=True) if any(row)
    ]
    return {
        "period": now.game.period + 1,
        "price_cny_per_mwh": offered,
        "probability": {buyer: dict(zip(now.game.sellers, row, strict=True)) for buyer, row in chosen},
        "unconfirmed": _unconfirmed(now.game, broker),
        "verdict": now.verdict.value if now.verdict else None,
    }


def _unconfirmed(game: PeriodGame, broker: BrokerReplay | None) -> list[str]:
    """Whom the period waits for: all who play in it, before trading is open."""
    trading = broker.epoch.trading if broker else None
    return list(trading.unconfirmed(game) if trading else (*game.sellers, *game.buyers))
