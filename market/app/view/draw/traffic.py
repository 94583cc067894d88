"""Draws communication: messages in flight, delays by link, staleness of offers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from market.app.figures import style
from market.app.history.event_log import Delivery, Load, StalenessAt
from market.app.history.snapshot import Snapshot
from market.app.view.draw import colours
from market.app.view.draw.clock import Clock
from market.app.view.draw.plane import (
    LegendItem,
    axes,
    legend,
    marks,
    number,
    plane,
    short_name,
    steps,
    zoomable,
)
from market.app.view.draw.svg import INK, SOFT, drawing, notice, rect, tag, text, title

WIDTH, HEIGHT = 600.0, 300.0
MOST_POINTS = 1500
MOST_LEVEL = 10
"""Heads of so many columns stand level; of more they are turned."""


def load_picture(loads: Sequence[Load], clock: Clock) -> str:
    """Copies of messages under way after each record."""
    if not loads:
        return notice(WIDTH, HEIGHT, "nothing has been sent yet", name="load")
    kept = loads[:: max(1, len(loads) // MOST_POINTS)]
    path = [(clock.of(entry), float(entry.in_flight)) for entry in kept]
    on = plane(WIDTH, HEIGHT, clock.span, (0.0, max(y for _, y in path)))
    line_there = steps(on, path, style.BLUE, clock.span[1], "under way")
    content = (axes(on, clock.label, "messages under way"), line_there)
    return drawing(WIDTH, HEIGHT, *content, name="load", label="messages under way", role="group",
                   **zoomable(on, "clock", clock.label))  # fmt: skip


def staleness_picture(view: Snapshot, staleness: Sequence[StalenessAt], clock: Clock) -> str:
    """For each offer, how long the oldest price it was based on had been given up already."""
    if not staleness:
        return notice(WIDTH, HEIGHT, "no offers yet", name="age")
    colour = colours.of_vpps(view.vpps)
    kept = staleness[-MOST_POINTS:]
    on = plane(WIDTH, HEIGHT, clock.span, (0.0, max(entry.staleness_s for entry in kept)))
    content = [axes(on, clock.label, "age of the oldest news, s")]
    sellers = [vpp for vpp in view.vpps if any(entry.vpp == vpp for entry in kept)]
    for vpp in sellers:
        path = [(clock.of(entry), entry.staleness_s) for entry in kept if entry.vpp == vpp]
        content.append(marks(on, path, colour[vpp]))
    entries = [LegendItem(vpp, colour[vpp]) for vpp in sellers]
    return drawing(WIDTH, HEIGHT, *content, legend(entries), name="age", label="age of news", role="group",
                   **zoomable(on, "clock", clock.label))  # fmt: skip


def link_picture(view: Snapshot, deliveries: Sequence[Delivery]) -> str:
    """Mean delay and number of deliveries from each sender (rows) to each receiver (columns)."""
    names = list(view.vpps)
    if not deliveries or not names:
        return notice(WIDTH, HEIGHT, "nothing has arrived yet", name="links")
    count, total = np.zeros((len(names), len(names))), np.zeros((len(names), len(names)))
    place = {name: k for k, name in enumerate(names)}
    for entry in deliveries:
        at = place[entry.sender], place[entry.receiver]
        count[at] += 1
        total[at] += entry.delay_s
    mean = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    crowded = len(names) > MOST_LEVEL
    left, top = 84.0, 112.0 if crowded else 58.0
    width, height = (WIDTH - left - 10) / len(names), min(44.0, 420 / len(names))
    parts = [text(left, 20, "mean delay in ms, and deliveries; rows send, columns receive", 13, fill=SOFT)]
    worst = float(mean.max()) or 1.0
    for i, sender in enumerate(names):
        parts.append(_head(sender, left + (i + 0.5) * width, top - 12, turned=crowded))
        y = top + i * height
        size = min(12.5, height)
        parts.append(text(left - 8, y + height / 2 + 0.35 * size, short_name(sender, 10), size, text_anchor="end"))
        for j, receiver in enumerate(names):
            if count[i, j]:
                shade = colours.shade(0.75 * mean[i, j] / worst)
                tooltip = f"{sender} to {receiver}: {count[i, j]:.0f} deliveries, mean {mean[i, j]:.6g} s"
                words = f"{number(round(1000 * float(mean[i, j]), 1))} · {count[i, j]:.0f}"
                ink = "#ffffff" if mean[i, j] > 0.7 * worst else INK
                cell = rect(left + j * width + 0.5, y + 0.5, width - 1, height - 1, fill=shade, stroke=style.LIGHT)
                label = text(left + (j + 0.5) * width, y + height / 2 + 4, words if width > 60 else "", 12,
                             text_anchor="middle", fill=ink)  # fmt: skip
                parts.append(tag("g", title(tooltip) + cell + label))
    return drawing(WIDTH, top + height * len(names) + 10, *parts, name="links", label="delays by link")


def _head(name: str, x: float, y: float, *, turned: bool) -> str:
    if not turned:
        return text(x, y, short_name(name, 10), 12.5, text_anchor="middle", font_weight=600)
    return text(x + 4, y, short_name(name, 10), 12, transform=f"rotate(-90 {x + 4:.1f} {y:.1f})")
