"""Draws the market in one period: VPPs by role, trade as arrows, messages in flight.

An arrow is as wide as the power it stands for. A message stands nearer to its receiver the longer it has been
under way, at half the way after the mean delay of those that have arrived.

No word is crossed: a VPP's words stand inside it, above all arrows, or, of many VPPs, outside the ring, to which
no arrow comes, since all bend inwards; a number on an arrow stands where nothing else is written, or nowhere.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap

import numpy as np

from market.app.history.period import PeriodNow, role_of
from market.app.history.snapshot import Snapshot
from market.app.view.draw import colours
from market.app.view.draw.plane import short_name
from market.app.view.draw.svg import INK, RULE, SOFT, drawing, line, notice, rect, tag, text, text_width, title
from market.app.view.told import told_of
from market.model.declaration import Role

WIDTH, HEIGHT = 640.0, 520.0
LARGEST, SMALLEST = 58.0, 36.0
"""Radii of a VPP that has its words inside, and, for ten VPPs, of one that has only its name, outside."""
TOP, FOOT = 38.0, HEIGHT - 34.0
"""Between the caption and the legend."""
EDGE = 10.0
WIDEST = 16.0
LEAST_MW = 1e-6
MOST_SHAPES = 80
MOST_ROOMY = 10
"""VPPs up to which each has its words inside; of more, only their names stand round the ring."""
MOST_ARROWS, MOST_POWERS = 60, 14
"""Of trades the largest are drawn, and the largest of those have their number."""
LETTERS, ROW = 13.0, 15.5
NAME_LETTERS, NAME_SIZE = 9, 12.0
"""Of a name outside the ring."""
POWER = (18.0, 8.5)
"""Half the width and the height of what a number on an arrow stands on."""


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


CENTRE = Point(WIDTH / 2, (TOP + FOOT) / 2)


@dataclass(frozen=True, slots=True)
class Ring:
    """Where VPPs stand, and how large each is."""

    places: Mapping[str, Point]
    radius: float

    @property
    def roomy(self) -> bool:
        """Whether each has its words inside."""
        return len(self.places) <= MOST_ROOMY


@dataclass(frozen=True, slots=True)
class TradeArrow:
    """Power from one VPP to another; the curve between their places is drawn aside to `bend`."""

    seller: str
    buyer: str
    start: Point
    bend: Point
    end: Point
    power_mw: float

    def at(self, share: float) -> Point:
        """The point of the curve at a share of it."""
        first, second, third = (1 - share) ** 2, 2 * share * (1 - share), share**2
        return Point(
            first * self.start.x + second * self.bend.x + third * self.end.x,
            first * self.start.y + second * self.bend.y + third * self.end.y,
        )


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
    ring = ring_of(view.vpps)
    trades = trades_of(now, ring) if now else []
    content = [
        _caption(view, period, now),
        *_arrows(trades, ring),
        *_messages(view, ring, flow),
        *(_vpp(view, vpp, period, now, ring, vpp == picked) for vpp in view.vpps),
        *_powers(trades, ring),
        _legend(),
        *(_card(view, vpp, period, now, ring) for vpp in view.vpps),
    ]
    label = f"the market in period {told_of(view).period(period + 1)}"
    return drawing(WIDTH, HEIGHT, *content, name="network", label=label, role="group")


def ring_of(vpps: Sequence[str]) -> Ring:
    """On an ellipse, the first VPP on top, with room for what stands outside it."""
    count = len(vpps)
    roomy = count <= MOST_ROOMY
    radius = LARGEST if roomy else SMALLEST * MOST_ROOMY / count
    outside = 0.0 if roomy else 5.0 + text_width("W" * NAME_LETTERS, NAME_SIZE)
    across = WIDTH / 2 - EDGE - radius - outside
    down = (FOOT - TOP) / 2 - radius - outside
    angles = [2 * math.pi * place / count - math.pi / 2 for place in range(count)]
    places = [Point(CENTRE.x + across * math.cos(a), CENTRE.y + down * math.sin(a)) for a in angles]
    nearest = min((math.dist((p.x, p.y), (q.x, q.y)) for p, q in pairwise(places)), default=WIDTH)
    return Ring(dict(zip(vpps, places, strict=True)), min(radius, 0.4 * nearest))


def _caption(view: Snapshot, period: int, now: PeriodNow | None) -> str:
    caption = f"Period {told_of(view).period(period + 1)}"
    if now is not None and now.game.tradable:
        trades = int((now.delivered_mw > LEAST_MW).sum())
        drawn = f" ({MOST_ARROWS} of {trades} trades drawn)" if trades > MOST_ARROWS else " change hands"
        caption += f": {now.traded_mw:.2f} MW{drawn}"
    elif now is not None:
        caption += ": nothing to trade"
    verdict = now.verdict.value.replace("_", " ") if now and now.verdict else view.phase.value
    room = WIDTH - 44 - text_width(verdict, 15)
    size = min(17.0, room / text_width(caption, 1, bold=True))
    return text(16, 26, caption, size, font_weight=600, class_="period-caption") + text(
        WIDTH - 16, 26, verdict, 15, text_anchor="end", fill=SOFT, class_="verdict"
    )


# --- trade ----------------------------------------------------------------------------------------------------


def trades_of(now: PeriodNow, ring: Ring) -> list[TradeArrow]:
    """Every pair that trades, the largest power first, as far as they are drawn."""
    pairs = [
        (seller, buyer, float(now.delivered_mw[i, j]))
        for i, buyer in enumerate(now.game.buyers)
        for j, seller in enumerate(now.game.sellers)
        if now.delivered_mw[i, j] > LEAST_MW
    ]
    pairs.sort(key=lambda pair: pair[-1], reverse=True)
    return [trade_between(*pair, ring) for pair in pairs[:MOST_ARROWS]]


def trade_between(seller: str, buyer: str, power_mw: float, ring: Ring) -> TradeArrow:
    """Power from one VPP to another, and the way its arrow goes."""
    start, end = ring.places[seller], ring.places[buyer]
    return TradeArrow(seller, buyer, start, _bend(start, end), end, power_mw)


def _bend(start: Point, end: Point) -> Point:
    """Where a curve between two is drawn to: aside, so that messages keep the straight line, and inwards."""
    middle = Point((start.x + end.x) / 2, (start.y + end.y) / 2)
    across = Point(0.16 * (end.y - start.y), 0.16 * (start.x - end.x))
    inwards = across.x * (CENTRE.x - middle.x) + across.y * (CENTRE.y - middle.y) >= 0
    side = 1 if inwards else -1
    return Point(middle.x + side * across.x, middle.y + side * across.y)


def _arrows(trades: Sequence[TradeArrow], ring: Ring) -> list[str]:
    """An arrow for each trade, the widest for the largest power of the period."""
    most_mw = max((trade.power_mw for trade in trades), default=0.0)
    return [_arrow(trade, most_mw, ring) for trade in trades]


def _arrow(trade: TradeArrow, most_mw: float, ring: Ring) -> str:
    start, bend, end = trade.start, trade.bend, trade.end
    width = max(1.2, WIDEST * min(1.0, ring.radius / SMALLEST) * trade.power_mw / most_mw)
    tail, tip = start.towards(bend, ring.radius), end.towards(bend, ring.radius + 2)
    head = min(max(9.0, 1.9 * width), 0.6 * math.dist((tail.x, tail.y), (tip.x, tip.y)))
    neck = tip.towards(bend, head)
    across = Point(-(tip.y - neck.y) / head, (tip.x - neck.x) / head)
    half = head * 0.55
    points = (
        f"{tip.x:.1f},{tip.y:.1f} {neck.x + across.x * half:.1f},{neck.y + across.y * half:.1f} "
        f"{neck.x - across.x * half:.1f},{neck.y - across.y * half:.1f}"
    )
    curve = f"M{tail.x:.1f} {tail.y:.1f}Q{bend.x:.1f} {bend.y:.1f} {neck.x:.1f} {neck.y:.1f}"
    parts = (
        title(f"{trade.seller} to {trade.buyer}: {trade.power_mw:.4f} MW"),
        tag("path", d=curve, fill="none", stroke=colours.SOUND, stroke_width=width, opacity=0.75),
        tag("polygon", points=points, fill=colours.SOUND),
    )
    return tag("g", "".join(parts), class_="trade")


def _powers(trades: Sequence[TradeArrow], ring: Ring) -> list[str]:
    """The number on each arrow, above everything else; the smaller powers give way where there is no room."""
    taken: list[Point] = []
    parts = []
    for trade in trades if ring.roomy else trades[:MOST_POWERS]:
        if (at := _free(trade, ring, taken)) is not None:
            taken.append(at)
            parts.append(_power(trade.power_mw, at))
    return parts


def _free(trade: TradeArrow, ring: Ring, taken: Sequence[Point]) -> Point | None:
    """Where nothing is written yet along an arrow, the nearer to its middle the better."""
    for share in (0.5, 0.55, 0.45, 0.6, 0.4, 0.65, 0.35, 0.7, 0.3):
        at = trade.at(share)
        apart = all(abs(at.x - p.x) > 2 * POWER[0] + 2 or abs(at.y - p.y) > 2 * POWER[1] + 2 for p in taken)
        if apart and all(_beside(at, place, ring.radius) for place in ring.places.values()):
            return at
    return None


def _beside(at: Point, place: Point, radius: float) -> bool:
    """Whether a number's ground and a VPP do not meet."""
    beyond = (max(0.0, abs(at.x - place.x) - POWER[0]), max(0.0, abs(at.y - place.y) - POWER[1]))
    return math.hypot(*beyond) > radius


def _power(power_mw: float, at: Point) -> str:
    words = f"{power_mw:.2f}"
    size = min(NAME_SIZE, 2 * POWER[0] / text_width(words, 1, bold=True))
    ground = rect(at.x - POWER[0], at.y - POWER[1], 2 * POWER[0], 2 * POWER[1], rx=4, fill="#ffffff", opacity=0.92)
    number = text(at.x, at.y + 4.5, words, size, text_anchor="middle", font_weight=600)
    return tag("g", ground + number, class_="power")


# --- messages -------------------------------------------------------------------------------------------------


def _messages(view: Snapshot, ring: Ring, flow: Flow) -> list[str]:
    """A thin line for each link in use and a shape for each message on it."""
    on_link: dict[tuple[str, str], list[tuple[str, float]]] = defaultdict(list)
    for passage in list(view.under_way.values())[-MOST_SHAPES:]:
        on_link[passage.sender, passage.receiver].append((passage.kind, flow.share(passage.sent_s)))
    parts = []
    for (sender, receiver), messages in on_link.items():
        start, end = ring.places.get(sender), ring.places.get(receiver)
        if start is None or end is None:
            continue
        parts.append(line(start.x, start.y, end.x, end.y, stroke=SOFT, stroke_dasharray="2 5", opacity=0.6))
        length = math.hypot(end.x - start.x, end.y - start.y) - 2 * ring.radius
        for kind, share in messages:
            at = start.towards(end, ring.radius + length * (0.08 + 0.84 * share))
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


def _vpp(view: Snapshot, vpp: str, period: int, now: PeriodNow | None, ring: Ring, picked: bool) -> str:
    role, absent, at = role_of(view, vpp, period), vpp in view.absent, ring.places[vpp]
    ink = "#ffffff" if role is Role.SELLER and not absent else INK
    circle = tag(
        "circle",
        cx=at.x,
        cy=at.y,
        r=ring.radius,
        fill="#ffffff" if absent else colours.ROLE[role],
        stroke=INK if picked else SOFT,
        stroke_width=4 if picked else 1.5,
        stroke_dasharray="5 4" if absent or role is None else None,
    )
    words = _words(view, vpp, role, now)
    named = _inside(vpp, words, at, ring.radius, ink) if ring.roomy else _outside(vpp, at, ring)
    return tag(
        "g",
        circle + named,
        class_=f"vpp {'absent' if absent else role or 'silent'}",
        data_pick=f"vpp:{vpp}",
        tabindex=0,
        role="button",
        aria_label=", ".join((vpp, " ".join(words))),
        aria_pressed="true" if picked else "false",
    )


def _inside(vpp: str, words: Sequence[str], at: Point, radius: float, ink: str) -> str:
    """The name and a few short lines, in letters so small that each stays within the circle."""
    rows = [short_name(vpp, 10), *words]
    step = min(ROW, 1.6 * radius / len(rows))
    parts = []
    for row, words_there in enumerate(rows):
        middle = (row - (len(rows) - 1) / 2) * step
        reach = math.sqrt(max(1.0, (radius - 3) ** 2 - (abs(middle) + step / 2) ** 2))
        bold = row == 0
        size = min(15.0 if bold else LETTERS, step, 2 * reach / text_width(words_there, 1, bold=bold))
        parts.append(
            text(at.x, at.y + middle + 0.36 * size, words_there, size, text_anchor="middle", fill=ink,
                 font_weight=700 if bold else 400)
        )  # fmt: skip
    return "".join(parts)


def _outside(vpp: str, at: Point, ring: Ring) -> str:
    """A name that stands away from the ring, turned as a spoke where names are close."""
    angle, radius, count = math.atan2(at.y - CENTRE.y, at.x - CENTRE.x), ring.radius, len(ring.places)
    away = Point(at.x + (radius + 5) * math.cos(angle), at.y + (radius + 5) * math.sin(angle))
    leftwards = math.cos(angle) < 0
    turned = math.degrees(angle) + (180 if leftwards else 0)
    size = NAME_SIZE if count <= 40 else max(6.0, 480 / count)
    anchor = "end" if leftwards else "start"
    turn = f"rotate({turned:.1f} {away.x:.1f} {away.y:.1f})"
    name = short_name(vpp, NAME_LETTERS)
    return text(away.x, away.y, name, size, text_anchor=anchor, dominant_baseline="middle", transform=turn)


def _words(view: Snapshot, vpp: str, role: Role | None, now: PeriodNow | None) -> list[str]:
    """What stands below a VPP's name: a few short lines, together a sentence."""
    if vpp in view.absent:
        return ["absent", *wrap(view.absent[vpp], 14, max_lines=3, placeholder=" …")]
    if role is None or now is None:
        return ["has declared" if vpp in view.declarations else "plans its day" if view.roster else "awaited"]
    if role is Role.SELLER and vpp in now.game.sellers:
        j = now.game.sellers.index(vpp)
        price = now.price_cny_per_mwh[j]
        asks = [] if np.isnan(price) else [f"asks {price / 1000:.4f}", "CNY/kWh"]
        return [f"sells {now.delivered_mw[:, j].sum():.2f}", f"of {now.game.surplus_mw[j]:.2f} MW", *asks]
    if role is Role.BUYER and vpp in now.game.buyers:
        i = now.game.buyers.index(vpp)
        return [f"buys {now.delivered_mw[i].sum():.2f}", f"of {now.game.deficit_mw[i]:.2f} MW"]
    return ["balanced"]


def _card(view: Snapshot, vpp: str, period: int, now: PeriodNow | None, ring: Ring) -> str:
    """What shows while the pointer is on a VPP (the style sheet of the page does that)."""
    rows = _facts(view, vpp, period, now)
    if not rows:
        return ""
    at, radius = ring.places[vpp], ring.radius
    width, height = 236.0, 20.0 * len(rows) + 34
    left = min(max(8.0, at.x - width / 2), WIDTH - width - 8)
    top = at.y - height - radius - 6 if at.y > HEIGHT / 2 else at.y + radius + 6
    top = min(max(8.0, top), HEIGHT - height - 8)
    parts = [
        rect(left, top, width, height, rx=6, fill="#ffffff", stroke=SOFT),
        text(left + 12, top + 22, f"{vpp}, period {told_of(view).period(period + 1)}", 14, font_weight=700),
    ]
    for row, (name, value) in enumerate(rows):
        y = top + 44 + 20 * row
        parts.append(text(left + 12, y, name, 12.5, fill=SOFT))
        parts.append(text(left + width - 12, y, value, 12.5, text_anchor="end"))
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
