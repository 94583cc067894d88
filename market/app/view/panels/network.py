"""The tab of communication: messages in flight, delays by link, staleness, who is waited for."""

from __future__ import annotations

from market.app.history.event_log import until
from market.app.view.draw.traffic import link_picture, load_picture, staleness_picture
from market.app.view.panels.html import box, columns, facts, note
from market.app.view.session import Frame
from market.visible import some_of

LIVE = (
    "In real time the tape tells when an offer has been used, and of no other arrival: that is its delay here; "
    "other messages count as under way for a second."
)


def network_panel(frame: Frame) -> str:
    """Numbers first, then pictures."""
    view, event_log, live = frame.view, frame.timeline.event_log, frame.status.live
    begun = frame.begun
    loads = [entry for entry in until(event_log.loads, view.position) if entry.position >= begun]
    staleness = [entry for entry in until(event_log.staleness, view.position) if entry.position >= begun]
    waited = some_of(live.waiting_for)
    counted = [(name, name.replace("_", " "), f"{count:,}") for name, count in live.counts.items()]
    numbers = facts(
        [
            ("published", "published", f"{view.sent:,}"),
            ("delivered-so-far", "arrived", "" if view.live else f"{view.delivered:,}"),
            ("under-way", "under way", f"{len(view.under_way):,}"),
            ("waited", "waited for", f"{waited} since {live.waiting_s:.1f} s" if waited else ""),
        ]
    )
    whole = box("The whole run, by the broker's count", facts(counted)) if counted else ""
    deliveries = until(event_log.deliveries, view.position)
    return (
        box("Up to this moment", numbers, note(LIVE) if view.live else "")
        + whole
        + columns(
            box("Messages under way", load_picture(loads, frame.clock)),
            box("Age of the news behind each offer", staleness_picture(view, staleness, frame.clock)),
            box("Links", link_picture(view, deliveries)),
        )
    )
