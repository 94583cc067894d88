"""Summary of the network: one line where it is perfect, a short block where it is not."""

from __future__ import annotations

from collections.abc import Iterator

from broker.network import Conditions
from market.app.report.terminal.numbers import rounded
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
    network = report.manifest["network"]
    if network is None:
        return
    rules = report.scenario.network
    clock = "simulated" if rules.time is TimeMode.VIRTUAL else "real"
    ended = "at rest" if network["time_to_equilibrium_s"] is not None else "ended"
    when = f"{ended} after {rounded(report.manifest['rest_time_s'], 4)} s of {clock} time"
    if is_perfect(rules):
        yield f"network: perfect  ·  {when}"
        return
    counts = [f"{network[name]:,} {words}" for name, words in _COUNTED.items() if network[name]]
    yield f"network: {when}"
    yield "  " + "  ·  ".join([f"{network['delivered']:,} of {network['sent']:,} messages delivered", *counts])
    most = f"at most {network['largest_in_flight']:,} under way, {network['largest_queue']:,} waiting"
    yield f"  {_delays(network)}  ·  {most}"
    if pause_s := Conditions(rules, report.scenario.roster, seed=0).pause_s:
        why = (
            "network.pause_s"
            if rules.pause_s is not None
            else "by the size of the market; network.pause_s sets it"
        )
        yield f"  a plant pauses for {rounded(pause_s)} s after each turn ({why})"
    if network["largest_staleness_s"]:
        mean, largest = network["mean_staleness_s"], network["largest_staleness_s"]
        yield f"  prices rested on news outdated by {rounded(mean)} s on average, {rounded(largest)} s at most"


def _delays(network: dict[str, float | None]) -> str:
    least, most, mean = (network[f"delay_{which}_s"] for which in ("min", "max", "mean"))
    if least is None or most is None or mean is None:
        return "nothing was delivered"
    waits = ", with the wait for who was busy" if network["largest_queue"] else ""
    return f"delays {rounded(least)} to {rounded(most)} s, mean {rounded(mean)} s{waits}"
