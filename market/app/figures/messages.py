"""Draws who said what to whom: messages between lifelines over time, and how long they took.

Drawn from the table `messages`. Where time stands still, in a perfect network, messages stand one below the other
in the order in which they were sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from broker.delivery.network_log import MessageFate
from market.app.figures import style
from market.app.figures.named import largest
from market.app.figures.names import short_names
from market.app.results.recorded import RecordedRun
from market.app.results.records import Records
from market.model.arrays import Array

NOTHING_SAID = "No message was sent in this time."
MOST_ARROWS = 120  # that are drawn where no window is asked for
MOST_LETTERS_ABREAST = 90  # of all names together, above the lifelines
MOST_ROWS = 40  # in a perfect network
MOST_LIFELINES = 10  # of more VPPs those that say most are drawn
MOST_LINKS = 400  # of delays as drawings; more are one bitmap
SLOWEST = 3
KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "Declared": (style.GREY, "declares its role and volumes"),
    "Offer": (style.BLUE, "offers prices"),
    "Selection": (style.ORANGE, "selects among sellers"),
    "Answer": (style.GREEN, "answers prices of a round"),
}
"""The colour of each kind of message, and what it does."""


@dataclass(frozen=True, slots=True)
class Window:
    """Of the time of a run, seconds; the end is part of it."""

    start_s: float
    end_s: float


@style.drawn
def sequence_figure(run: RecordedRun, window: Window | None = None) -> Figure:
    """Lifelines of the VPPs, time downwards, an arrow for each message and receiver; lost ones end in a cross.

    window : whose messages are drawn, as many as fall in it; else the first of the run
    """
    said = shown_messages(run, window)
    if not len(said):
        return style.nothing_to_draw(NOTHING_SAID)
    vpps = _speakers(run, said)
    figure = style.new_figure(7.2)
    ax = figure.subplots()
    place = {vpp: at for at, vpp in enumerate(vpps)}
    if _takes_time(said):
        _arrows(ax, said, place)
        clock = "real" if run.manifest["time_mode"] == "wall" else "simulated"
        style.value_axis(ax, f"{clock} time in s")
    else:
        _rows(ax, said, place)
    _lifelines(ax, vpps)
    style.outside_legend(figure, _meaning(said))
    return figure


def shown_messages(run: RecordedRun, window: Window | None) -> Records:
    """The messages that were under way in a window, or the first ones, up to as many as can be read.

    Where there are more VPPs than can be followed, those among the ones that say most.
    """
    table = run["messages"]
    if len(run.vpps) > MOST_LIFELINES:
        chief = {*largest({vpp: float((table["sender"] == vpp).sum()) for vpp in run.vpps}, MOST_LIFELINES)}
        pairs = zip(table["sender"].tolist(), table["receiver"].tolist(), strict=True)
        table = table.only(np.array([{*pair} <= chief for pair in pairs], dtype=bool))
    if window is not None:
        end_s = np.where(np.isnan(table["arrival_s"]), table["sent_s"], table["arrival_s"])
        return table.only((table["sent_s"] <= window.end_s) & (end_s >= window.start_s))
    if _takes_time(table):
        return table.only(np.arange(len(table)) < MOST_ARROWS)
    return table.only(_row_numbers(table) < MOST_ROWS)


def _takes_time(said: Records) -> bool:
    """Whether any message is under way for a time, or can never arrive."""
    lost = said["fate"] == MessageFate.UNDELIVERABLE.value
    return bool(lost.any() or (said["arrival_s"] > said["sent_s"]).any())


def sequence_caption(run: RecordedRun, window: Window | None) -> str:
    """What is drawn, and of how much."""
    shown, total = len(shown_messages(run, window)), int(run.manifest["network"]["sent"])
    which = f"Those from {window.start_s:g} to {window.end_s:g} s" if window else "The first"
    whose = f", among the {MOST_LIFELINES} VPPs that say most" if len(run.vpps) > MOST_LIFELINES else ""
    return (
        f"Each line is a VPP, each arrow a message from one to another. {which}{whose}: {shown:,} of {total:,}, a "
        "message counting once for each receiver. The table messages.csv has them one by one."
    )


def _speakers(run: RecordedRun, said: Records) -> list[str]:
    """Who sends or receives any of it, in the scenario's order."""
    heard = {*said["sender"].tolist(), *said["receiver"].tolist()}
    return [vpp for vpp in run.vpps if vpp in heard]


def _lifelines(ax: Axes, vpps: Sequence[str]) -> None:
    """One upright line for each VPP, its name above."""
    for at in range(len(vpps)):
        ax.axvline(at, color=style.LIGHT, linewidth=1.2, zorder=0)
    names = short_names(vpps)
    upright = max(map(len, names.values())) > MOST_LETTERS_ABREAST // len(vpps)
    ax.set_xticks(range(len(vpps)), [names[vpp] for vpp in vpps], rotation=90 if upright else 0)
    ax.xaxis.tick_top()
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.5, len(vpps) - 0.5)
    ax.grid(axis="x", visible=False)
    for side in ("left", "bottom", "top", "right"):
        ax.spines[side].set_visible(side == "left")


def _arrows(ax: Axes, said: Records, place: Mapping[str, int]) -> None:
    """A line from sending to arrival for each message, with a head at the receiver."""
    sender, receiver = (np.array([place[vpp] for vpp in said[side].tolist()], dtype=float) for side in _ENDS)
    sent, end = said["sent_s"], said["arrival_s"]
    lost = np.isnan(end)
    last_s = float(np.nanmax(np.concatenate([sent, end])))
    length_s = float(np.nanmedian(end - sent)) if not lost.all() else 0.05 * max(last_s, 1.0)
    x_end = np.where(lost, (sender + receiver) / 2, receiver)
    y_end = np.where(lost, sent + length_s / 2, end)
    for kind, (colour, _) in KINDS.items():
        own = said["kind"] == kind
        if not own.any():
            continue
        lines = np.stack([np.column_stack([sender, sent]), np.column_stack([x_end, y_end])], axis=1)
        for again, dashes in ((False, "solid"), (True, "dashed")):
            chosen = lines[own & ((said["attempts"] > 1) == again)]
            ax.add_collection(
                LineCollection([*chosen], colors=colour, linewidths=0.9, alpha=0.8, linestyles=dashes)
            )
        for to_right in (False, True):
            heads = own & ~lost & ((receiver > sender) == to_right)
            marker = ">" if to_right else "<"
            ax.plot(x_end[heads], y_end[heads], linestyle="none", marker=marker, markersize=4, color=colour)
    under_way = said["fate"] == MessageFate.UNDER_WAY.value
    for which, mark in ((lost & ~under_way, _NEVER), (lost & under_way, _NOT_YET)):
        ax.plot(x_end[which], y_end[which], linestyle="none", zorder=3, **mark)
    first_s, last_s = float(sent.min()), max(float(y_end.max()), float(sent.max()))
    room = 0.03 * max(last_s - first_s, 1e-6)
    ax.set_ylim(last_s + room, first_s - room)


_ENDS = ("sender", "receiver")
_NEVER: Final[Mapping[str, Any]] = {"marker": "x", "markersize": 6, "color": style.VERMILLION}
_NOT_YET: Final[Mapping[str, Any]] = {
    "marker": "o",
    "markersize": 4,
    "color": style.GREY,
    "markerfacecolor": "white",
}
"""The ends of a message that never arrived, and of one that was under way when all was over."""


def _row_numbers(said: Records) -> Array:
    """For each row of the table, the number of its message, from 0: one message has a row for each receiver."""
    keys = list(zip(*(said[name].tolist() for name in ("epoch", "sender", "seq")), strict=True))
    order = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([order[key] for key in keys], dtype=np.int64)


def _rows(ax: Axes, said: Records, place: Mapping[str, int]) -> None:
    """One row for each message: a dot at its sender, heads at all its receivers."""
    numbers = _row_numbers(said)
    labels: dict[int, str] = {}
    for row, number in enumerate(numbers.tolist()):
        sender, receiver = place[said["sender"][row]], place[said["receiver"][row]]
        colour = KINDS[said["kind"][row]][0]
        ax.plot([sender, receiver], [number, number], color=colour, linewidth=0.9)
        head: Mapping[str, Any] = {"marker": ">" if receiver > sender else "<", "markersize": 4, "color": colour}
        if np.isnan(said["arrival_s"][row]):
            head = _NOT_YET if said["fate"][row] == MessageFate.UNDER_WAY.value else _NEVER
        ax.plot([receiver], [number], linestyle="none", **head)
        ax.plot([sender], [number], linestyle="none", marker="o", markersize=5, color=colour)
        labels[number] = f"{said['kind'][row]} {said['seq'][row]}"
    step = max(1, len(labels) // MOST_ROWS)
    ax.set_yticks([*labels][::step], [*labels.values()][::step], fontsize=8)
    ax.set_ylim(max(labels) + 0.7, -0.7)
    ax.grid(axis="y", visible=False)


def _meaning(said: Records) -> list[style.Entry]:
    there = set(said["kind"].tolist())
    entries: list[style.Entry] = [
        (Line2D([], [], color=colour, marker=">", markersize=4), f"{kind}: {what}")
        for kind, (colour, what) in KINDS.items()
        if kind in there
    ]
    if (said["attempts"] > 1).any():
        entries.append((Line2D([], [], color=style.BLACK, linestyle="--", linewidth=0.9), "lost, and sent again"))
    fates = set(said["fate"].tolist())
    for fate, mark, what in (
        (MessageFate.UNDELIVERABLE, _NEVER, "did not arrive"),
        (MessageFate.UNDER_WAY, _NOT_YET, "not awaited: the market was at rest before"),
    ):
        if fate.value in fates:
            entries.append((Line2D([], [], linestyle="none", **mark), what))
    return entries


@style.drawn
def delays_figure(run: RecordedRun) -> Figure:
    """The distribution of delays, from first sending to arrival: by kind of message, and by link."""
    table = run["messages"]
    arrived = table.only(~np.isnan(table["arrival_s"]))
    if not len(arrived):
        return style.nothing_to_draw("No message was delivered.")
    figure = style.new_figure(3.6)
    by_kind, by_link = figure.subplots(1, 2, sharey=True, sharex=True)
    entries = _kinds(by_kind, arrived)
    entries += _links(by_link, arrived, short_names(run.vpps, 14))
    by_kind.set_title("By kind of message")
    by_link.set_title("By link")
    style.value_axis(by_kind, "share that has arrived")
    by_kind.set_ylim(0.0, 1.02)
    for ax in (by_kind, by_link):
        style.amount_axis(ax, "delay in ms")
    style.outside_legend(figure, entries)
    return figure


def _steps(delays_s: Array) -> Array:
    """The corners of an empirical distribution in ms, shape (n, 2)."""
    ms = np.sort(delays_s) * 1000
    share = np.arange(1, len(ms) + 1) / len(ms)
    corners = np.column_stack([np.repeat(ms, 2), np.concatenate([[0.0], np.repeat(share, 2)[:-1]])])
    return np.vstack([[[0.0, 0.0]], corners])


def _delay_s(rows: Records) -> Array:
    found: Array = rows["arrival_s"] - rows["sent_s"]
    return found


def _kinds(ax: Axes, arrived: Records) -> list[style.Entry]:
    entries: list[style.Entry] = []
    for kind, (colour, _) in KINDS.items():
        own = arrived.where(kind=kind)
        if len(own):
            (line,) = ax.plot(*_steps(_delay_s(own)).T, color=colour, label=kind)
            entries.append((line, kind))
    return entries


def _links(ax: Axes, arrived: Records, names: Mapping[str, str]) -> list[style.Entry]:
    """Every link a thin line; the slowest on average are told by name."""
    delays = {link: _delay_s(rows) for link, rows in arrived.by(*_ENDS).items()}
    ways = [_steps(each) for each in delays.values()]
    lines = LineCollection(ways, colors=style.GREY, linewidths=0.5, alpha=0.6)
    lines.set_rasterized(len(delays) > MOST_LINKS)
    ax.add_collection(lines)
    slowest = sorted(delays, key=lambda link: -float(delays[link].mean()))[:SLOWEST]
    entries: list[style.Entry] = [(Line2D([], [], color=style.GREY, linewidth=0.8), f"{len(delays)} links")]
    for (sender, receiver), dashes in zip(slowest, ("-", "--", ":"), strict=False):
        steps = _steps(delays[sender, receiver])
        (line,) = ax.plot(*steps.T, color=style.VERMILLION, linestyle=dashes, linewidth=1.3)
        entries.append((line, f"{names[sender]} → {names[receiver]}"))
    return entries
