"""Tables of a run's network: each link's traffic, messages in flight over time, staleness over time, each message.

Series over time are thinned, so that long runs stay readable: one of more than `MOST_ROWS` entries is cut into
equal stretches, of each of which the extremes are kept, and the very last entry. Of messages there are as many as
the log has kept (`broker.delivery.network_log.MOST_MESSAGES`). Totals are never thinned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from market.app.results.columns import COLUMNS, LINK_COUNTS
from market.app.results.table import Cell, Table

if TYPE_CHECKING:
    from broker.delivery.network_log import LinkLog, NetworkLog

MOST_ROWS = 5000
NOTHING = float("nan")

_Entry = TypeVar("_Entry")


def network_tables(log: NetworkLog, vpps: Sequence[str], *, links: bool = True) -> tuple[Table, ...]:
    """All tables of a run's network, in the order of NETWORK_TABLES, with or without that of its links."""
    others = in_flight_table(log), staleness_table(log), messages_table(log)
    return (links_table(log, vpps), *others) if links else others


def links_table(log: NetworkLog, vpps: Sequence[str]) -> Table:
    """Both directions of every pair that had anything to tell each other, in the scenario's order."""
    links = log.links
    rows = (
        (sender, receiver, *_link_row(links[sender, receiver]))
        for sender in vpps
        for receiver in vpps
        if (sender, receiver) in links
    )
    return Table("links", COLUMNS["links"], tuple(rows))


def _link_row(link: LinkLog) -> tuple[Cell, ...]:
    delays_s = (link.delay_min_s, link.delay_mean_s, link.delay_max_s) if link.delivered else (NOTHING,) * 3
    return (*(getattr(link, name) for name in LINK_COUNTS), *delays_s)


def in_flight_table(log: NetworkLog) -> Table:
    """Just before each delivery: copies of messages under way, and those that wait for a busy receiver."""
    kept = thinned(log.moments, (lambda m: m.in_flight, lambda m: m.queued))
    rows = tuple((moment.time_s, moment.in_flight, moment.queued) for moment in kept)
    return Table("network", COLUMNS["network"], rows)


def staleness_table(log: NetworkLog) -> Table:
    """For each offer, how long the oldest price that it was based on had been superseded."""
    kept = thinned(log.staleness, (lambda entry: entry.staleness_s,))
    rows = tuple((entry.time_s, entry.vpp, entry.version, entry.staleness_s) for entry in kept)
    return Table("staleness", COLUMNS["staleness"], rows)


def messages_table(log: NetworkLog) -> Table:
    """Who said what to whom: a row for each message and receiver, in the order in which they were sent."""
    rows = tuple(
        (
            *(message.epoch, message.sent_s, NOTHING if message.arrival_s is None else message.arrival_s),
            *(message.sender, message.receiver, message.kind, message.seq),
            *(message.bytes, message.attempts, message.fate.value),
        )
        for message in log.messages
    )
    return Table("messages", COLUMNS["messages"], rows)


def thinned(
    entries: Sequence[_Entry], extremes: Sequence[Callable[[_Entry], Any]], most: int = MOST_ROWS
) -> Sequence[_Entry]:
    """The entries, if they are at most `most`; else of each stretch the first to be largest in each respect."""
    if len(entries) <= most:
        return entries
    stretches = (most - 1) // len(extremes)
    edges = [len(entries) * k // stretches for k in range(stretches + 1)]
    kept = {len(entries) - 1}
    for start, end in pairwise(edges):
        kept |= {max(range(start, end), key=lambda at: measure(entries[at])) for measure in extremes}
    return [entries[at] for at in sorted(kept)]
