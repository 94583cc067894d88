"""Draws prices: as they converge in one period, and as they stand in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from broker.wire.messages import Offer
from market.app.figures import style
from market.app.history.event_log import SaidAt
from market.app.history.period import PeriodNow
from market.app.history.snapshot import Snapshot
from market.app.results.telling import Telling
from market.app.view.draw import colours
from market.app.view.draw.clock import Clock
from market.app.view.draw.plane import (
    LegendItem,
    PlotArea,
    axes,
    inside,
    legend,
    level,
    marks,
    number,
    period_marks,
    plane,
    steps,
    zoomable,
)
from market.app.view.draw.svg import drawing, line, notice, rect, tag, title
from market.app.view.told import told_of

WIDTH, HEIGHT = 600.0, 380.0
MOST_MARKS = 60


def price_paths_picture(
    view: Snapshot, period: int, now: PeriodNow | None, said: Sequence[SaidAt], clock: Clock
) -> str:
    """Each seller's price in a period, from its first offer on, in CNY/kWh."""
    if now is None or not now.game.tradable:
        reason = "not everybody has declared yet" if now is None else f"nothing to trade in period {period + 1}"
        return notice(WIDTH, HEIGHT, reason, name="price-paths")
    game, colour = now.game, colours.of_vpps(view.vpps)
    paths = {seller: _path(said, seller, period, clock) for seller in game.sellers}
    values = [price for path in paths.values() for _, price in inside(clock.span, path)]
    clearing = now.clearing_price_cny_per_mwh / 1000
    shown = [*values, clearing]
    least = 0.1 * (game.cap_cny_per_mwh - game.floor_cny_per_mwh) / 1000  # a flat line is no noise
    middle, half = (min(shown) + max(shown)) / 2, max(max(shown) - min(shown), least) / 2
    on = plane(WIDTH, HEIGHT, clock.span, (middle - half, middle + half))
    entries: list[LegendItem] = []
    content = [axes(on, clock.label, f"price in period {told_of(view).period(period + 1)}, CNY/kWh")]
    limits = (("cap", game.cap_cny_per_mwh, None), ("floor", game.floor_cny_per_mwh, "2 4"))
    for name, value, dash in limits:
        if on.y.low <= value / 1000 <= on.y.high:
            content.append(level(on, value / 1000, style.GREY, dash))
            entries.append(LegendItem(name, style.GREY, dash))
    content.append(level(on, clearing, style.BLACK, "6 4"))
    entries.append(LegendItem("clearing price", style.BLACK, "6 4"))
    entries += [LegendItem(seller, colour[seller]) for seller in game.sellers]
    for seller, path in paths.items():
        content.append(steps(on, path, colour[seller], clock.span[1], seller))
        content.append(marks(on, path if len(path) <= MOST_MARKS else path[-1:], colour[seller]))
    label = f"prices of period {period + 1}"
    attributes = zoomable(on, "clock", clock.label)
    return drawing(
        WIDTH, HEIGHT, *content, legend(entries), name="price-paths", label=label, role="group", **attributes
    )


def _path(said: Sequence[SaidAt], seller: str, period: int, clock: Clock) -> list[tuple[float, float]]:
    path: list[tuple[float, float]] = []
    for entry in said:
        offer = entry.message
        if entry.sender == seller and isinstance(offer, Offer) and period in offer.periods:
            price = float(offer.price_cny_per_mwh[offer.periods.index(period)]) / 1000
            if not path or path[-1][1] != price:
                path.append((clock.of(entry), price))
    return path


def price_day_picture(view: Snapshot, nows: Sequence[PeriodNow], chosen: int, window: range) -> str:
    """Every offer as it stands, with the band and the clearing price of each period in the window, CNY/kWh."""
    tradable = [now for now in nows if now.game.tradable and now.game.period in window]
    if not tradable:
        return notice(WIDTH, HEIGHT, "no prices yet", name="price-day")
    colour = colours.of_vpps(view.vpps)
    low = min(now.game.floor_cny_per_mwh for now in tradable) / 1000
    high = max(now.game.cap_cny_per_mwh for now in tradable) / 1000
    on = plane(WIDTH, HEIGHT, (window.start + 0.5, window.stop + 0.5), (low, high))
    told = told_of(view)
    content = [axes(on, told.axis, "price, CNY/kWh", period_marks(told, window))]
    content += [_period(on, now, colour, chosen, told) for now in tradable]
    sellers = [vpp for vpp in view.vpps if any(vpp in now.game.sellers for now in tradable)]
    entries = [LegendItem("band", "#d5d9de"), LegendItem("clearing price", style.BLACK)]
    entries += [LegendItem(vpp, colour[vpp]) for vpp in sellers]  # last: what does not fit is only counted
    attributes = zoomable(on, "periods", "period")
    return drawing(
        WIDTH, HEIGHT, *content, legend(entries), name="price-day", label="prices by period", role="group",
        **attributes,
    )  # fmt: skip


def _period(on: PlotArea, now: PeriodNow, colour: Mapping[str, str], chosen: int, told: Telling) -> str:
    left, right, y = on.x(now.game.period + 0.5), on.x(now.game.period + 1.5), on.y
    game, width = now.game, right - left
    cap, floor = y(game.cap_cny_per_mwh / 1000), y(game.floor_cny_per_mwh / 1000)
    picked = game.period == chosen
    parts = [rect(left, cap, width, floor - cap, fill="#dbe7f1" if picked else "#eceff2")]
    clearing = y(now.clearing_price_cny_per_mwh / 1000)
    parts.append(line(left, clearing, right, clearing, stroke=style.BLACK, stroke_width=2))
    for j, (seller, price) in enumerate(zip(game.sellers, now.price_cny_per_mwh.tolist(), strict=True)):
        if not np.isnan(price):
            x = left + width * (0.15 + 0.7 * (j + 0.5) / len(game.sellers))
            tooltip = title(
                f"{seller}, period {told.period(game.period + 1)}: {number(round(price / 1000, 9))} CNY/kWh"
            )
            radius = min(4.5, max(1.2, 0.6 * width))
            edge = {"stroke": "#fff"} if radius > 3 else {}
            parts.append(tag("circle", tooltip, cx=x, cy=y(price / 1000), r=radius, fill=colour[seller], **edge))
    return tag("g", "".join(parts), data_pick=f"period:{game.period}")
