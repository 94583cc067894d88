"""The first tab: the market in the selected period, its numbers, and the newest events."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

import numpy as np

from market.app.history.event_log import until
from market.app.history.period import PeriodNow
from market.app.report.page import table
from market.app.view.draw.choice import EVERYBODY, shares
from market.app.view.draw.network import Flow, network_picture
from market.app.view.panels.html import box, columns, note, undusted
from market.app.view.panels.log import lines_table
from market.app.view.session import Frame
from market.app.view.told import told_of

RECENT = 200
SHOWN_LINES = 9


def market_panel(frame: Frame) -> str:
    """The network picture; beside it sellers and buyers of the period, and the last events."""
    recent = until(frame.timeline.event_log.deliveries, frame.view.position)[-RECENT:]
    delay_s = fmean(entry.delay_s for entry in recent) if recent else 0.0
    flow = Flow(frame.time_s, delay_s)
    picture = network_picture(frame.view, frame.period, frame.now, flow, frame.vpp)
    return columns(picture, "".join((*_tables(frame), box("Just now", lines_table(frame, SHOWN_LINES)))))


def _tables(frame: Frame) -> Iterator[str]:
    now = frame.now
    if now is None:
        yield box("Sellers and buyers", note("Known once everybody has declared."))
        return
    number = told_of(frame.view).period(frame.period + 1)
    if not now.game.tradable:
        why = "nobody sells" if not now.game.sellers else "nobody buys" if not now.game.buyers else "no price band"
        yield box(f"Period {number}", note(f"Nothing to trade: {why}."))
        return
    sold = ("seller", "surplus MW", "asks CNY/kWh", "chosen", "sells MW")
    yield box(f"Sellers in period {number}", table(sold, _sellers(now), digits=4, fold=False), name="sellers")
    bought = ("buyer", "deficit MW", "buys MW", "from the grid MW", "pays CNY")
    yield box(f"Buyers in period {number}", table(bought, _buyers(now), digits=4, fold=False), name="buyers")


def _sellers(now: PeriodNow) -> Iterator[tuple[str, float, float, float, float]]:
    chosen = shares(now, EVERYBODY)
    for j, seller in enumerate(now.game.sellers):
        share = float(chosen[j]) if chosen is not None else float("nan")
        price = float(now.price_cny_per_mwh[j]) / 1000
        sold_mw = undusted(float(now.delivered_mw[:, j].sum()))
        yield seller, float(now.game.surplus_mw[j]), price, undusted(share), sold_mw


def _buyers(now: PeriodNow) -> Iterator[tuple[str, float, float, float, float]]:
    paid = np.nan_to_num(now.delivered_mw * now.price_cny_per_mwh) * now.game.period_h
    for i, buyer in enumerate(now.game.buyers):
        bought, deficit = float(now.delivered_mw[i].sum()), float(now.game.deficit_mw[i])
        yield buyer, deficit, undusted(bought), undusted(deficit - bought), undusted(float(paid[i].sum()))
