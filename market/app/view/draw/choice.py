"""Draws selection probabilities: a heat map over periods, and how they converge in one period."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from broker.wire.messages import Selection
from market.app.history.event_log import SaidAt
from market.app.history.period import PeriodNow
from market.app.history.snapshot import Snapshot
from market.app.view.draw import colours
from market.app.view.draw.clock import Clock
from market.app.view.draw.plane import (
    LegendItem,
    axes,
    legend,
    marks,
    period_marks,
    plane,
    short_name,
    steps,
    zoomable,
)
from market.app.view.draw.svg import INK, SOFT, drawing, notice, rect, tag, text, title
from market.app.view.told import told_of
from market.model.arrays import Array

WIDTH, HEIGHT = 600.0, 380.0
MOST_MARKS = 60
EVERYBODY = "all buyers"


def shares(now: PeriodNow, buyer: str) -> Array | None:
    """The probabilities of a period's sellers, shape (n,): of one buyer, or the mean weighted by deficit."""
    game = now.game
    if not game.tradable or (buyer != EVERYBODY and buyer not in game.buyers):
        return None
    answered = now.probability.sum(axis=1) > 0
    weight = game.deficit_mw * answered
    if buyer != EVERYBODY:
        weight = weight * np.array([name == buyer for name in game.buyers])
    return weight @ now.probability / weight.sum() if weight.sum() > 0 else None


def choice_heat_picture(view: Snapshot, nows: Sequence[PeriodNow], chosen: int, buyer: str, window: range) -> str:
    """Probability by seller and period of the window, white to blue."""
    nows = [now for now in nows if now.game.period in window]
    sellers = [vpp for vpp in view.vpps if any(vpp in now.game.sellers for now in nows if now.game.tradable)]
    if not sellers:
        return notice(WIDTH, HEIGHT, "nobody has anything to choose yet", name="choice-heat")
    left, top, count = 64.0 + 22 * any(len(seller) > 7 for seller in sellers), 36.0, len(window)
    width, height = (WIDTH - left - 10) / count, min(56.0, max(11.0, (HEIGHT - top - 50) / len(sellers)))
    parts = [text(left, 22, f"probability, chosen by {buyer}", 13, fill=SOFT)]
    for row, seller in enumerate(sellers):
        y = top + row * height
        size = min(13.0, height)
        parts.append(text(left - 6, y + height / 2 + 0.35 * size, short_name(seller, 11), size, text_anchor="end"))
        parts += [
            _cell(now, seller, buyer, left + (now.game.period - window.start) * width, y, width, height)
            for now in nows
        ]
    foot = top + len(sellers) * height
    told = told_of(view)
    for t, words in period_marks(told, window, 24):
        weight = 700 if t - 1 == chosen else 400
        parts.append(text(left + (t - 0.5 - window.start) * width, foot + 18, words, 12, text_anchor="middle",
                          font_weight=weight))  # fmt: skip
    parts.append(text(left + count * width / 2, foot + 38, told.axis, 12, text_anchor="middle", fill=SOFT))
    if chosen in window:
        x = left + (chosen - window.start) * width
        parts.append(rect(x, top, width, foot - top, fill="none", stroke=INK, stroke_width=min(2.0, width)))
    return drawing(WIDTH, foot + 46, *parts, name="choice-heat", label=f"probabilities chosen by {buyer}")


def _cell(now: PeriodNow, seller: str, buyer: str, x: float, y: float, width: float, height: float) -> str:
    share = None
    if seller in now.game.sellers and (found := shares(now, buyer)) is not None:
        share = float(found[now.game.sellers.index(seller)])
    tooltip = f"{seller}, period {now.game.period + 1}: " + ("nothing" if share is None else f"{share:.4f}")
    gap = min(0.5, 0.1 * width)
    box = rect(x + gap, y + gap, width - 2 * gap, height - 2 * gap,
               fill="#f3f4f6" if share is None else colours.shade(share))  # fmt: skip
    words = ""
    if share is not None and width >= 21 and height >= 14:
        ink = "#ffffff" if share > 0.55 else INK
        words = text(x + width / 2, y + height / 2 + 4, f"{share:.2f}".lstrip("0") if share < 1 else "1", 11,
                     text_anchor="middle", fill=ink)  # fmt: skip
    return tag("g", title(tooltip) + box + words, data_pick=f"period:{now.game.period}")


def choice_paths_picture(
    view: Snapshot, period: int, now: PeriodNow | None, buyer: str, said: Sequence[SaidAt], clock: Clock
) -> str:
    """How the probabilities of a period came about: one buyer's, or all buyers' mean as each answer came."""
    if now is None or not now.game.tradable or (buyer != EVERYBODY and buyer not in now.game.buyers):
        reason = f"{buyer} has nothing to choose in period {period + 1}"
        return notice(WIDTH, HEIGHT, reason, name="choice-paths")
    game, colour = now.game, colours.of_vpps(view.vpps)
    paths = _paths(now, buyer, said, clock)
    on = plane(WIDTH, HEIGHT, clock.span, (0.0, 1.0))
    content = [axes(on, clock.label, f"probability in period {period + 1}")]
    for seller, path in zip(game.sellers, paths, strict=True):
        content.append(steps(on, path, colour[seller], clock.span[1], seller))
        content.append(marks(on, path if len(path) <= MOST_MARKS else path[-1:], colour[seller]))
    entries = [LegendItem(seller, colour[seller]) for seller in game.sellers]
    return drawing(WIDTH, HEIGHT, *content, legend(entries), name="choice-paths", role="group",
                   label=f"probabilities of period {period + 1}",
                   **zoomable(on, "clock", clock.label))  # fmt: skip


def _paths(now: PeriodNow, buyer: str, said: Sequence[SaidAt], clock: Clock) -> list[list[tuple[float, float]]]:
    game, period = now.game, now.game.period
    rows = np.zeros((len(game.buyers), len(game.sellers)))
    paths: list[list[tuple[float, float]]] = [[] for _ in game.sellers]
    for entry in said:
        answer = entry.message
        if not isinstance(answer, Selection) or period not in answer.periods or entry.sender not in game.buyers:
            continue
        if buyer not in (EVERYBODY, entry.sender):
            continue
        rows[game.buyers.index(entry.sender)] = answer.probability[answer.part(period)]
        weight = game.deficit_mw * (rows.sum(axis=1) > 0)
        for path, share in zip(paths, (weight @ rows / weight.sum()).tolist(), strict=True):
            if not path or abs(path[-1][1] - share) > 1e-12:
                path.append((clock.of(entry), share))
    return paths
