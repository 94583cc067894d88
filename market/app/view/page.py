"""The page: header, controls, transport, tabs, and the one clock that moves it.

Solara opens `Page` anew for each browser tab. One thread for each tab ticks several times a second; it is the only
one that moves the session by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from html import escape

import solara
import solara.lab

from market.app.view.controls import Controls
from market.app.view.draw.choice import EVERYBODY
from market.app.view.draw.strip import strip_picture
from market.app.view.feeds.feed import State
from market.app.view.feeds.own import OwnFeed
from market.app.view.look import CSS
from market.app.view.panels import PANELS, panel
from market.app.view.panels.html import facts
from market.app.view.session import SPEEDS, Frame, Session
from market.app.view.target import open_session
from market.app.view.told import told_of

BEAT_S = 0.07
NAMES = tuple(PANELS)


@solara.component_vue("picture.vue")
def PictureWidget(name: str, html: str, event_pick: Callable[[str], None]) -> None:
    """HTML with SVG; what is marked `data-pick` reports when it is pressed. `name`: its class."""


@solara.component
def Page() -> None:
    """One tab's page."""
    session = solara.use_memo(open_session, [])
    _, set_beat = solara.use_state(0)
    lock = solara.use_memo(threading.Lock, [])
    tab, set_tab = solara.use_state(0)
    side, set_side = solara.use_state(True)

    def changed() -> None:
        with lock:  # one at a time: the clock's thread, and the thread of what a person does
            session.shown += 1
            set_beat(session.shown)

    def run(cancelled: threading.Event) -> None:
        while not cancelled.wait(BEAT_S):
            if session.advance():
                changed()

    solara.use_thread(run, dependencies=[], intrusive_cancel=False)
    frame = session.frame()
    solara.Title(f"vppmarket · {session.feed.name}")
    solara.Style(CSS)
    with solara.Div(classes=["shell" if side else "shell wide"]):
        if side:
            with solara.Div(classes=["side"]):
                Controls(session, frame, changed)
        with solara.Div(classes=["market-page"]):
            _header(session, frame, lambda: set_side(not side))
            Transport(session, frame, changed)
            _tabs(session, frame, tab, set_tab, changed)


def _tabs(
    session: Session, frame: Frame, tab: int, set_tab: Callable[[int], None], changed: Callable[[], None]
) -> None:
    """The strip of periods, and the chosen tab."""

    def pick(what: str) -> None:
        session.pick(what)
        changed()

    PictureWidget(name="periods", html=strip_picture(frame.view, frame.nows, frame.period), event_pick=pick)
    with solara.lab.Tabs(value=tab, on_value=set_tab):
        for name in NAMES:
            solara.lab.Tab(name)
    _choices(session, frame, NAMES[tab], changed)
    PictureWidget(name=f"{NAMES[tab].lower()}-tab", html=panel(NAMES[tab], frame), event_pick=pick)


def _header(session: Session, frame: Frame, toggle: Callable[[], None]) -> None:
    """Where the market stands, in one line; what is wrong, if anything is, below."""
    view, status, told = frame.view, frame.status, told_of(frame.view)
    waited = ", ".join(status.live.waiting_for)
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
    name = f'<span class="name">{escape(session.feed.name)}</span>'
    with solara.Div(classes=["head"]):
        solara.Button("☰", on_click=toggle, text=True, small=True, classes=["toggle"])
        solara.HTML(unsafe_innerHTML=f'<div class="facts status">{name}{chip}{numbers}</div>')
    if status.fault:
        solara.Error(told.text(status.fault), dense=True, classes=["fault"])


@solara.component
def Transport(session: Session, frame: Frame, changed: Callable[[], None]) -> None:
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

    def set_speed(speed: int) -> None:
        session.set_speed(speed)
        changed()

    with solara.Row(gap="8px", style={"align-items": "center"}, classes=["transport"]):
        label = "⏸ Pause" if frame.playing else "▶ Play"
        solara.Button(label, on_click=then(session.play), color="primary", small=True, classes=["play"])
        solara.Button("Step", on_click=then(session.step), small=True, outlined=True, classes=["step"])
        ended = isinstance(session.feed, OwnFeed) or frame.status.state is State.ENDED
        newest = "Newest" if ended else "Following" if frame.following else "Follow"
        solara.Button(newest, on_click=then(session.follow), small=True, outlined=True, classes=["follow"])
        with solara.Div(style={"width": "92px"}):
            solara.Select("speed", value=frame.speed, values=list(SPEEDS), on_value=set_speed, dense=True)
        with solara.Div(style={"flex": "1 1 220px", "min-width": "180px"}):
            solara.SliderInt(
                f"record {frame.view.position:,} of {frame.length:,}",
                value=frame.view.position,
                min=0,
                max=max(1, frame.length),
                on_value=go_to,
                thumb_label=False,
            )


def _choices(session: Session, frame: Frame, tab: str, changed: Callable[[], None]) -> None:
    """What a tab lets one choose beyond the period."""
    if tab == "Plant" and frame.view.vpps:
        _buttons("vpp", frame.vpp, list(frame.view.vpps), lambda vpp: session.pick(f"vpp:{vpp}"), changed)
    if tab == "Choice" and frame.view.vpps:
        _buttons("buyer", frame.buyer, [EVERYBODY, *frame.view.vpps], session.choose_buyer, changed)


def _buttons(
    name: str, value: str, values: list[str], choose: Callable[[str], None], changed: Callable[[], None]
) -> None:
    def chosen(picked: str) -> None:
        choose(picked)
        changed()

    if len(values) <= 8:
        solara.ToggleButtonsSingle(value=value, values=values, on_value=chosen, dense=True, classes=[name])
    else:
        solara.Select(name, value=value, values=values, on_value=chosen, dense=True)
