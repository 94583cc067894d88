"""Summary of the network: one line where it is perfect, a short block where it is not."""

from __future__ import annotations

from collections.abc import Iterator

from market.app.results.concluded_day import ConcludedDay
from market.app.results.network_totals import is_perfect
from market.model.network import TimeMode

_COUNTED = {
    "lost": "lost attempts",
    "resent": "sent again",
    "duplicated": "copies discarded",
    "late": "late",
    "undeliverable": "can never arrive",
}


def network_lines(report: ConcludedDay) -> Iterator[str]:
    """Lines for the head of the summary; none for a day in one process."""
    told = report.manifest["network"]
    if told is None:
        return
    rules = report.scenario.network
    clock = "simulated" if rules.time is TimeMode.VIRTUAL else "real"
    ended = "at rest" if told["time_to_equilibrium_s"] is not None else "ended"
    when = f"{ended} after {report.manifest['rest_time_s']:.4g} s of {clock} time"
    if is_perfect(rules):
        yield f"network: perfect  ·  {when}"
        return
    counts = [f"{told[name]:,} {words}" for name, words in _COUNTED.items() if told[name]]
    yield f"network: {when}"
    yield "  " + "  ·  ".join([f"{told['delivered']:,} of {told['sent']:,} messages delivered", *counts])
    most = f"at most {told['largest_in_flight']:,} under way, {told['largest_queue']:,} waiting"
    yield f"  {_delays(told)}  ·  {most}"
    if told["largest_staleness_s"]:
        mean, largest = told["mean_staleness_s"], told["largest_staleness_s"]
        yield f"  prices rested on news outdated by {mean:.3g} s on average, {largest:.3g} s at most"


def _delays(told: dict[str, float | None]) -> str:
    if told["delay_mean_s"] is None:
        return "nothing was delivered"
    return f"delays {told['delay_min_s']:.3g} to {told['delay_max_s']:.3g} s, mean {told['delay_mean_s']:.3g} s"
