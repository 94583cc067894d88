"""The page: header, controls, transport, tabs, and the one clock that moves it.

Solara opens `Page` anew for each browser tab. One thread for each tab ticks several times a second; it is the only
one that moves the sessions by itself. Several runs stand side by side, each with its own place in time; tab,
period and VPP are chosen for all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from html import escape

import solara
import solara.lab

from market.app.feeds.feed import State
from market.app.view.controls import Controls
from market.app.view.draw.strip import strip_picture
from market.app.view.field import input_field
from market.app.view.look import CSS
from market.app.view.own_feed import OwnFeed
from market.app.view.panels import PANELS, panel
from market.app.view.panels.html import box, facts, note
from market.app.view.picker import Picker
from market.app.view.picture import PictureWidget
from market.app.view.session import SPEEDS, Frame, Session
from market.app.view.target import open_sessions
from market.app.view.told import told_of
from market.visible import some_of

BEAT_S = 0.07
NAMES = tuple(PANELS)
AT_ONCE = frozenset({"Market", "Prices", "Choice", "Network", "Log"})
"""Tabs that are drawn in no time; others are announced first, when they are opened for the first time."""

Pick = Callable[[str], None]


@solara.component
def Page() -> None:
    """One tab's page."""
    sessions = solara.use_memo(open_sessions, [])
    _, set_beat = solara.use_state(0)
    lock = solara.use_memo(threading.Lock, [])
    tab, set_tab = solara.use_state(0)
    opened, set_opened = solara.use_state(AT_ONCE)
    side, set_side = solara.use_state(len(sessions) == 1)

    def changed() -> None:
        with lock:  # one at a time: the clock's thread, and the thread of what a person does
            sessions[0].shown += 1
            set_beat(sessions[0].shown)

    def run(cancelled: threading.Event) -> None:
        while not cancelled.wait(BEAT_S):
            moved = [session.advance() for session in sessions]
            if any(moved):
                changed()

    def close() -> None:
        for session in sessions:
            session.close()

    def open_tab() -> None:
        set_opened(opened | {NAMES[tab]})

    solara.use_thread(run, dependencies=[], intrusive_cancel=False)
    solara.use_thread(open_tab, dependencies=[tab], intrusive_cancel=False)  # once its name is to be seen
    solara.use_effect(lambda: close, [])
    frames = [session.frame() for session in sessions]
    solara.Title("vppmarket · " + ", ".join(session.feed.name for session in sessions))
    solara.Style(CSS)
    with solara.Div(classes=["shell" if side else "shell wide"]):
        with solara.Div(classes=["market-page"]):
            _head(sessions, frames, lambda: set_side(not side))
            for session, frame in zip(sessions, frames, strict=True):
                _transport(session, frame, changed, named=len(sessions) > 1)
            _tabs(sessions, frames, tab, set_tab, changed, ready=NAMES[tab] in opened)
        if side:
            with solara.Div(classes=["side"]):
                Controls(sessions[0], frames[0], changed)


def _tabs(
    sessions: Sequence[Session],
    frames: Sequence[Frame],
    tab: int,
    set_tab: Callable[[int], None],
    changed: Callable[[], None],
    *,
    ready: bool,
) -> None:
    """The strips of periods, and the chosen tab of each source."""

    def pick(what: str) -> None:
        for session in sessions:
            session.pick(what)
        changed()

    name = NAMES[tab]
    for frame in frames:
        strip = strip_picture(frame.view, frame.nows, frame.period)
        PictureWidget(name="periods", html=strip, event_pick=pick)
    with solara.lab.Tabs(value=tab, on_value=set_tab):
        for each in NAMES:
            solara.lab.Tab(each)
    Picker(name, frames[0], pick)
    with solara.Div(classes=["abreast"], style={"--abreast": str(len(frames))}):
        for session, frame in zip(sessions, frames, strict=True):
            heading = f'<p class="run-name">{escape(session.feed.name)}</p>' if len(frames) > 1 else ""
            content = panel(name, frame) if ready else box(name, note("being drawn"))
            PictureWidget(name=f"{name.lower()}-tab", html=heading + content, event_pick=pick)


def _head(sessions: Sequence[Session], frames: Sequence[Frame], toggle: Callable[[], None]) -> None:
    """Where each market stands, in one line; what is wrong, if anything is, below."""
    with solara.Div(classes=["head"]):
        label = {"aria-label": "parameters and export", "title": "parameters and export"}
        solara.Button("☰", on_click=toggle, text=True, small=True, classes=["toggle"], attributes=label)
        with solara.Div(classes=["heads"]):
            for session, frame in zip(sessions, frames, strict=True):
                solara.HTML(unsafe_innerHTML=_status_line(session, frame))
    for frame in frames:
        if frame.status.fault:
            solara.Error(told_of(frame.view).text(frame.status.fault), dense=True, classes=["fault"])


def _status_line(session: Session, frame: Frame) -> str:
    view, status, told = frame.view, frame.status, told_of(frame.view)
    waited = some_of(status.live.waiting_for)
    absent = ", ".join(f"{vpp} ({how})" for vpp, how in view.absent.items())
    state = status.state.value.replace(" ", "-")
    chip = f'<span class="state-chip {state}">{escape(status.words)}</span>'
    numbers = facts(
        [
            ("phase", "phase", view.phase.value),
            ("period", "period", told.period(frame.period + 1) if told.starts else ""),
            ("time", "simulated s" if not view.live else "s", f"{view.time_s:.3f}"),
            ("rounds", "rounds", str(view.rounds)),
            ("messages", "messages", f"{view.sent:,}"),
            ("in-flight", "under way", str(len(view.under_way))),
            ("epoch", "epoch", str(view.epoch) if view.epoch > 1 else ""),
            ("verdict", "verdict", view.verdict.replace("_", " ")),
            ("waiting", "waiting for", f"{waited} since {status.live.waiting_s:.1f} s" if waited else ""),
            ("absent", "absent", absent),
        ]
    )
    name = f'<h1 class="name">{escape(session.feed.name)}</h1>'
    return f'<div class="facts status">{name}{chip}{numbers}</div>'


def _transport(session: Session, frame: Frame, changed: Callable[[], None], *, named: bool) -> None:
    """Play, step, speed, and the slider over the tape."""

    def then(act: Callable[[], None]) -> Callable[[], None]:
        def done() -> None:
            act()
            changed()

        return done

    def go_to(position: int) -> None:
        if position != frame.view.position:
            session.go_to(position)
            changed()

    def set_speed(text: str) -> None:
        if text in {str(speed) for speed in SPEEDS}:
            session.set_speed(int(text))
            changed()

    with solara.Div(classes=["transport"]):
        if named:
            solara.Text(session.feed.name, classes=["named"])
        label = "⏸ Pause" if frame.playing else "▶ Play"
        solara.Button(label, on_click=then(session.play), color="primary", small=True, classes=["play"])
        solara.Button("Step", on_click=then(session.step), small=True, outlined=True, classes=["step"])
        ended = isinstance(session.feed, OwnFeed) or frame.status.state is State.ENDED
        newest = "Newest" if ended else "Following" if frame.following else "Follow"
        solara.Button(newest, on_click=then(session.follow), small=True, outlined=True, classes=["follow"])
        speeds = [str(speed) for speed in SPEEDS]
        input_field("speed", "records a beat", str(frame.speed), set_speed, choices=speeds)
        with solara.Div(classes=["position"]):
            solara.SliderInt(
                f"record {frame.view.position:,} of {frame.length:,}",
                value=frame.view.position,
                min=0,
                max=max(1, frame.length),
                on_value=go_to,
                thumb_label=False,
            )
