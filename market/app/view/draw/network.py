"""Draws the market in one period: VPPs by role, trade as arrows, messages in flight.

An arrow is as wide as the power it stands for. A message stands nearer to its receiver the longer it has been
under way, at half the way after the mean delay of those that have arrived.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from market.app.history.period import PeriodNow, role_of
from market.app.history.snapshot import Snapshot
from market.app.view.draw import colours
from market.app.view.draw.plane import short_name
from market.app.view.draw.svg import INK, RULE, SOFT, drawing, line, notice, rect, tag, text
from market.model.declaration import Role

WIDTH, HEIGHT = 640.0, 520.0
RADIUS = 36.0
WIDEST = 16.0
LEAST_MW = 1e-6
MOST_SHAPES = 80
MOST_ROOMY = 10
"""VPPs up to which each has its words below it; of more, only their names stand round the ring."""
MOST_ARROWS, MOST_POWERS = 60, 14
"""Of trades the largest are drawn, and the largest of those have their number."""
HALO = {"stroke": "#ffffff", "stroke_width": 4, "stroke_linejoin": "round", "paint_order": "stroke"}
"""Keeps words legible where an arrow passes below them."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the picture."""

    x: float
    y: float

    def towards(self, other: Point, distance: float) -> Point:
        """The point this far on the way to another."""
        length = math.hypot(other.x - self.x, other.y - self.y) or 1.0
        share = distance / length
        return Point(self.x + (other.x - self.x) * share, self.y + (other.y - self.y) * share)


CENTRE = Point(WIDTH / 2, 252.0)


@dataclass(frozen=True, slots=True)
class Flow:
    """How far messages are: the time it is, and the mean delay of those that have lately arrived."""

    time_s: float
    mean_delay_s: float

    def share(self, sent_s: float) -> float:
        """The share of its way that a message has gone; half of it where delays are not known."""
        age_s = max(0.0, self.time_s - sent_s)
        return age_s / (age_s + self.mean_delay_s) if self.mean_delay_s > 0 else 0.5


def network_picture(view: Snapshot, period: int, now: PeriodNow | None, flow: Flow, picked: str) -> str:
    """The market in a period counted from 0; `picked` is the VPP that is looked at."""
    if not view.vpps:
        return notice(WIDTH, HEIGHT, "nothing has happened yet", name="network")
    size = min(1.0, MOST_ROOMY / len(view.vpps))
    places = _places(view)
    content = [
        _caption(view, period, now),
        *(_trades(now, places, size) if now else ()),
        *_messages(view, places, flow),
        *(_vpp(view, vpp, period, now, places[vpp], size, vpp == picked) for vpp in view.vpps),
        *(_powers(now, places) if now else ()),
        _legend(),
        *(_card(view, vpp, period, now, places[vpp]) for vpp in view.vpps),
    ]
    label = f"the market in period {period + 1}"
    return drawing(WIDTH, HEIGHT, *content, name="network", label=label, role="group")


def _places(view: Snapshot) -> dict[str, Point]:
    """On an ellipse, the first VPP on top."""
    count = len(view.vpps)
    angles = [2 * math.pi * place / count - math.pi / 2 for place in range(count)]
    across, down = (232, 168) if count <= MOST_ROOMY else (236, 150)
    return {
        vpp: Point(CENTRE.x + across * math.cos(angle), CENTRE.y + down * math.sin(angle))
        for vpp, angle in zip(view.vpps, angles, strict=True)
    }


def _caption(view: Snapshot, period: int, now: PeriodNow | None) -> str:
    caption = f"Period {period + 1}"
    if now is not None and now.game.tradable:
        trades = int((now.delivered_mw > LEAST_MW).sum())
        drawn = f" ({MOST_ARROWS} of {trades} trades drawn)" if trades > MOST_ARROWS else " change hands"
        caption += f": {now.traded_mw:.2f} MW{drawn}"
    elif now is not None:
        caption += ": nothing to trade"
    verdict = now.verdict.value.replace("_", " ") if now and now.verdict else view.phase.value
    return text(16, 26, caption, 17, font_weight=600, class_="period-caption") + text(
        WIDTH - 16, 26, verdict, 15, text_anchor="end", fill=SOFT
    )


# --- trade ----------------------------------------------------------------------------------------------------


def _trades(now: PeriodNow, places: Mapping[str, Point], size: float) -> list[str]:
    """An arrow for each pair that trades, the widest for the largest power of the period."""
    pairs = _pairs(now, places)
    most_mw = max((power_mw for *_, power_mw in pairs), default=0.0)
    return [_arrow(*pair, most_mw, size) for pair in pairs]


def _powers(now: PeriodNow, places: Mapping[str, Point]) -> list[str]:
    """The number on each arrow, above everything else."""
    pairs = _pairs(now, places)
    return [_power(*pair) for pair in (pairs if len(places) <= MOST_ROOMY else pairs[:MOST_POWERS])]


def _pairs(now: PeriodNow, places: Mapping[str, Point]) -> list[tuple[Point, Point, float]]:
    """Where the seller and the buyer of each trade stand, and its power in MW."""
    pairs = [
        (places[seller], places[buyer], float(now.delivered_mw[i, j]))
        for i, buyer in enumerate(now.game.buyers)
        for j, seller in enumerate(now.game.sellers)
        if now.delivered_mw[i, j] > LEAST_MW
    ]
    return sorted(pairs, key=lambda pair: pair[-1], reverse=True)[:MOST_ARROWS]


def _power(start: Point, end: Point, power_mw: float) -> str:
    """The number on an arrow, nearer to the buyer, where arrows have parted."""
    bend = _bend(start, end)
    at = Point(
        0.16 * start.x + 0.48 * bend.x + 0.36 * end.x,
        0.16 * start.y + 0.48 * bend.y + 0.36 * end.y,
    )
    return rect(at.x - 18, at.y - 9, 36, 17, rx=4, fill="#ffffff", opacity=0.92) + text(
        at.x, at.y + 4, f"{power_mw:.2f}", 12, text_anchor="middle", font_weight=600
    )


def _arrow(start: Point, end: Point, power_mw: float, most_mw: float, size: float) -> str:
    width = max(1.2, WIDEST * size * power_mw / most_mw)
    radius = RADIUS * size
    bend = _bend(start, end)
    head = max(9.0, 1.9 * width)
    tail, tip = start.towards(bend, radius), end.towards(bend, radius + 2)
    neck = tip.towards(bend, head)
    across = Point(-(tip.y - neck.y) / head, (tip.x - neck.x) / head)
    half = head * 0.55
    points = (
        f"{tip.x:.1f},{tip.y:.1f} {neck.x + across.x * half:.1f},{neck.y + across.y * half:.1f} "
        f"{neck.x - across.x * half:.1f},{neck.y - across.y * half:.1f}"
    )
    curve = f"M{tail.x:.1f} {tail.y:.1f}Q{bend.x:.1f} {bend.y:.1f} {neck.x:.1f} {neck.y:.1f}"
    parts = (
        tag("path", d=curve, fill="none", stroke=colours.SOUND, stroke_width=width, opacity=0.75),
        tag("polygon", points=points, fill=colours.SOUND),
    )
    return tag("g", "".join(parts), class_="trade")


def _bend(start: Point, end: Point) -> Point:
    """Where a curve between two places is drawn to: aside, so that messages keep the straight line."""
    length = math.hypot(end.x - start.x, end.y - start.y) or 1.0
    aside = 0.16 * length
    return Point(
        (start.x + end.x) / 2 + (end.y - start.y) / length * aside,
        (start.y + end.y) / 2 - (end.x - start.x) / length * aside,
    )


# --- messages -------------------------------------------------------------------------------------------------


def _messages(view: Snapshot, places: Mapping[str, Point], flow: Flow) -> list[str]:
    """A thin line for each link in use and a shape for each message on it."""
    on_link: dict[tuple[str, str], list[tuple[str, float]]] = defaultdict(list)
    for passage in list(view.under_way.values())[-MOST_SHAPES:]:
        on_link[passage.sender, passage.receiver].append((passage.kind, flow.share(passage.sent_s)))
    parts = []
    for (sender, receiver), messages in on_link.items():
        start, end = places.get(sender), places.get(receiver)
        if start is None or end is None:
            continue
        parts.append(line(start.x, start.y, end.x, end.y, stroke=SOFT, stroke_dasharray="2 5", opacity=0.6))
        length = math.hypot(end.x - start.x, end.y - start.y) - 2 * RADIUS
        for kind, share in messages:
            at = start.towards(end, RADIUS + length * (0.08 + 0.84 * share))
            parts.append(_shape(kind, at))
    return parts


def _shape(kind: str, at: Point) -> str:
    colour = colours.MESSAGE.get(kind, SOFT)
    common = {"fill": colour, "stroke": "#ffffff", "stroke_width": 1.2, "class_": f"message {kind.lower()}"}
    if kind == "Offer":
        return tag("circle", cx=at.x, cy=at.y, r=6, **common)
    if kind == "Selection":
        return tag(
            "polygon", points=f"{at.x:.1f},{at.y - 7:.1f} {at.x + 7:.1f},{at.y:.1f} {at.x:.1f},{at.y + 7:.1f} "
            f"{at.x - 7:.1f},{at.y:.1f}", **common
        )  # fmt: skip
    return rect(at.x - 5, at.y - 5, 10, 10, **common)


# --- VPPs -----------------------------------------------------------------------------------------------------


def _vpp(
    view: Snapshot, vpp: str, period: int, now: PeriodNow | None, at: Point, size: float, picked: bool
) -> str:
    role, absent = role_of(view, vpp, period), vpp in view.absent
    fill = "#ffffff" if absent else colours.ROLE[role]
    ink = "#ffffff" if role is Role.SELLER and not absent else INK
    radius = RADIUS * size
    parts = [
        tag(
            "circle",
            cx=at.x,
            cy=at.y,
            r=radius,
            fill=fill,
            stroke=INK if picked else SOFT,
            stroke_width=4 if picked else 1.5,
            stroke_dasharray="5 4" if absent or role is None else None,
        ),
    ]
    words = _words(view, vpp, role, now)
    if len(view.vpps) <= MOST_ROOMY:
        letters = 15 if len(vpp) <= 6 else 11
        parts.append(
            text(at.x, at.y + 5, short_name(vpp, 10), letters, text_anchor="middle", font_weight=700, fill=ink)
        )
        for row, line_there in enumerate(words):
            parts.append(text(at.x, at.y + radius + 17 + 16 * row, line_there, 13, text_anchor="middle", **HALO))
    else:
        parts.append(_outside(vpp, at, radius, len(view.vpps)))
    return tag(
        "g",
        "".join(parts),
        class_=f"vpp {'absent' if absent else role or 'silent'}",
        data_pick=f"vpp:{vpp}",
        tabindex=0,
        role="button",
        aria_label=", ".join((vpp, *filter(None, words))),
        aria_pressed="true" if picked else "false",
    )


def _outside(vpp: str, at: Point, radius: float, count: int) -> str:
    """A name that stands away from the ring, turned as a spoke where names are close."""
    angle = math.atan2(at.y - CENTRE.y, at.x - CENTRE.x)
    away = Point(at.x + (radius + 5) * math.cos(angle), at.y + (radius + 5) * math.sin(angle))
    leftwards = math.cos(angle) < 0
    turned = math.degrees(angle) + (180 if leftwards else 0)
    size = 12.0 if count <= 40 else max(6.0, 480 / count)
    anchor = "end" if leftwards else "start"
    return text(away.x, away.y, short_name(vpp, 9), size, text_anchor=anchor, dominant_baseline="middle",
                transform=f"rotate({turned:.1f} {away.x:.1f} {away.y:.1f})")  # fmt: skip


def _words(view: Snapshot, vpp: str, role: Role | None, now: PeriodNow | None) -> list[str]:
    """What stands below a VPP: two short lines."""
    if vpp in view.absent:
        return ["absent", view.absent[vpp][:28]]
    if role is None or now is None:
        return ["has declared" if vpp in view.declarations else "plans its day" if view.roster else "awaited"]
    if role is Role.SELLER and vpp in now.game.sellers:
        j = now.game.sellers.index(vpp)
        price = now.price_cny_per_mwh[j]
        asks = "" if np.isnan(price) else f"asks {price / 1000:.4f} CNY/kWh"
        return [f"sells {now.delivered_mw[:, j].sum():.2f} of {now.game.surplus_mw[j]:.2f} MW", asks]
    if role is Role.BUYER and vpp in now.game.buyers:
        i = now.game.buyers.index(vpp)
        return [f"buys {now.delivered_mw[i].sum():.2f} of {now.game.deficit_mw[i]:.2f} MW"]
    return ["balanced"]


def _card(view: Snapshot, vpp: str, period: int, now: PeriodNow | None, at: Point) -> str:
    """What shows while the pointer is on a VPP (the style sheet of the page does that)."""
    rows = _facts(view, vpp, period, now)
    if not rows:
        return ""
    width, height = 236.0, 20.0 * len(rows) + 34
    left = min(max(8.0, at.x - width / 2), WIDTH - width - 8)
    top = at.y - height - RADIUS - 6 if at.y > HEIGHT / 2 else at.y + RADIUS + 6
    top = min(max(8.0, top), HEIGHT - height - 8)
    parts = [
        rect(left, top, width, height, rx=6, fill="#ffffff", stroke=SOFT),
        text(left + 12, top + 22, f"{vpp}, period {period + 1}", 14, font_weight=700),
    ]
    for row, (name, value) in enumerate(rows):
        y = top + 44 + 20 * row
        parts.append(text(left + 12, y, name, 12.5, fill=SOFT))
        parts.append(text(left + width - 12, y, value, 12.5, text_anchor="end"))
    radius = RADIUS * min(1.0, MOST_ROOMY / len(view.vpps))
    spot = tag("circle", cx=at.x, cy=at.y, r=radius, fill="transparent", data_pick=f"vpp:{vpp}", class_="spot")
    return tag("g", spot + tag("g", "".join(parts), class_="card"), class_="hover")


def _facts(view: Snapshot, vpp: str, period: int, now: PeriodNow | None) -> list[tuple[str, str]]:
    if now is None:
        return []
    game, rows = now.game, list[tuple[str, str]]()
    if vpp in game.sellers:
        j = game.sellers.index(vpp)
        price = float(now.price_cny_per_mwh[j])
        rows += [
            ("surplus", f"{game.surplus_mw[j]:.4f} MW"),
            ("price", "none yet" if np.isnan(price) else f"{price / 1000:.6f} CNY/kWh"),
            ("requested of it", f"{now.requested_mw[:, j].sum():.4f} MW"),
            ("delivers", f"{now.delivered_mw[:, j].sum():.4f} MW"),
        ]
    if vpp in game.buyers:
        i = game.buyers.index(vpp)
        rows += [
            ("deficit", f"{game.deficit_mw[i]:.4f} MW"),
            *((f"chooses {seller}", f"{now.probability[i, j]:.4f}") for j, seller in enumerate(game.sellers)),
            ("receives", f"{now.delivered_mw[i].sum():.4f} MW"),
        ]
    offer, selection = view.offers.get(vpp), view.selections.get(vpp)
    if offer is not None or selection is not None:
        said = f"{offer.version if offer else 0} / {selection.version if selection else 0}"
        rows.append(("offers / answers so far", said))
    return rows[:12]


def _legend() -> str:
    """What colours and shapes mean, along the foot."""
    y = HEIGHT - 12
    parts = [line(16, y - 18, WIDTH - 16, y - 18, stroke=RULE)]
    for x, role, words in ((22, Role.SELLER, "sells"), (82, Role.BUYER, "buys"), (140, Role.IDLE, "balanced")):
        parts.append(tag("circle", cx=x, cy=y - 4, r=6.5, fill=colours.ROLE[role], stroke=SOFT))
        parts.append(text(x + 11, y, words))
    parts.append(line(226, y - 4, 252, y - 4, stroke=colours.SOUND, stroke_width=7, opacity=0.75))
    parts += [text(258, y, "trade, MW"), text(334, y, "on their way:", fill=SOFT)]
    for x, kind, words in (
        (424, "Offer", "offer"),
        (482, "Selection", "choice"),
        (548, "Declared", "declaration"),
    ):
        parts += [_shape(kind, Point(x, y - 4)), text(x + 10, y, words)]
    return tag("g", "".join(parts).replace('class="message', 'class="key'), class_="legend")
