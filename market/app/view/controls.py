"""The controls beside the pictures: what is shown, its parameters, export.

What is typed belongs to the source, and each field keeps its own text (`field.vue`): the page may be drawn again
ten times a second meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import solara

from market.app.mesa_model.steps import StepUnit
from market.app.replay.export import export_run
from market.app.results.telling import telling_of
from market.app.view.field import input_field
from market.app.view.form import (
    AS_IN_THE_SCENARIO,
    ENTRIES,
    PROCESSES,
    SEED,
    STEP_UNIT,
    Form,
    form_of,
    model_of,
    text_of,
)
from market.app.view.own_feed import OwnFeed
from market.app.view.session import Frame, Session
from market.app.view.target import offered_scenario, scenario_names, shared_feed
from market.app.view.told import told_of
from market.errors import MarketError
from market.scenario.catalogue import Entry
from market.scenario.scenario import Scenario

Changed = Callable[[], None]
Typed = Callable[[str], None]


@solara.component
def Controls(session: Session, frame: Frame, changed: Changed) -> None:
    """The side bar."""
    with solara.Column(gap="8px", classes=["controls"]):
        if isinstance(session.feed, OwnFeed):
            OwnControls(session, session.feed, changed)
        else:
            _description(frame)
            solara.Button(
                "Run this scenario here",
                on_click=lambda: _run_here(session, frame, changed),
                disabled=_runnable(session) is None,
                outlined=True,
                classes=["run-here"],
            )
        Export(session, frame)


def _description(frame: Frame) -> None:
    """The rules in force, for reading."""
    scenario = frame.view.scenario
    if scenario is None:
        solara.Text("No scenario yet.")
        return
    form = form_of(scenario, frame.view.seed)
    solara.Text(scenario.title, style={"font-weight": "600"})
    for entry in ENTRIES:
        if entry.parameter.first:
            value = text_of(form.values[entry.path]) or AS_IN_THE_SCENARIO
            solara.Text(told_of(frame.view).text(f"{entry.label}: {value}"), classes=["rule"])
    solara.Text(f"seed: {form.seed}", classes=["rule"])


def _runnable(session: Session) -> Scenario | None:
    """The scenario that is looked at, if all its plants are at hand."""
    scenario = session.feed.scenario
    return scenario if scenario is not None and scenario.whole else None


def _run_here(session: Session, frame: Frame, changed: Changed) -> None:
    """A model of what is looked at, in this process and in this tab."""
    scenario = _runnable(session)
    if scenario is not None:
        form = form_of(scenario, frame.view.seed)
        session.look_at(OwnFeed(model_of(scenario, form), scenario, form), playing=True)
        changed()


@solara.component
def OwnControls(session: Session, feed: OwnFeed, changed: Changed) -> None:
    """Scenario and parameters of this tab's model; they take effect with a reset."""
    fault, set_fault = solara.use_state("")
    _, set_typed = solara.use_state(0)

    def start(scenario: Scenario, given: Form) -> None:
        set_fault(_started(session, scenario, given))
        changed()

    def choose(name: str) -> None:
        if name in _offered(feed):  # what a browser sends is no path to read from
            scenario = offered_scenario(name)
            start(scenario, form_of(scenario, feed.form.seed))

    def typed(name: str) -> Typed:
        def note(text: str) -> None:
            feed.form = feed.form.with_text(name, text)
            set_typed(hash(tuple(feed.form.typed.items())))

        return note

    def reset(text: str = "") -> None:
        start(feed.origin, feed.form)

    input_field("scenario", "scenario", feed.scenario.name, choose, version=id(feed), choices=_offered(feed))
    _fields(feed, typed, reset)
    if fault:
        solara.Error(fault, dense=True, classes=["fault"])
    with solara.Row(gap="8px"):
        solara.Button("Reset", on_click=reset, color="primary", classes=["reset"])
        _back(session, changed)


def _offered(feed: OwnFeed) -> list[str]:
    names = scenario_names()
    return names if feed.scenario.name in names else [feed.scenario.name, *names]


def _started(session: Session, scenario: Scenario, given: Form) -> str:
    """Look at a model with what the form says; what is wrong with it, if anything is."""
    try:
        model = model_of(scenario, given)
    except MarketError as error:
        return str(error)
    session.look_at(OwnFeed(model, scenario, given.read()), playing=True)
    return ""


def _back(session: Session, changed: Changed) -> None:
    """From a model to what all pages share."""
    shared = shared_feed()
    if shared is not None:

        def back() -> None:
            session.look_at(shared)
            changed()

        solara.Button("Back", on_click=back, outlined=True)


def _fields(feed: OwnFeed, typed: Callable[[str], Typed], entered: Typed) -> None:
    """Every parameter: those that stand first, and the others behind a line to open; then the model's own."""
    form, version, told = feed.form, id(feed), telling_of(feed.scenario)
    for entry in ENTRIES:
        if entry.parameter.first:
            _field(entry, told.text(entry.label), feed, typed(entry.path), entered)
    with solara.v.Html(tag="details"):
        solara.v.Html(tag="summary", children=["all other parameters"])
        for entry in ENTRIES:
            if not entry.parameter.first:
                _field(entry, told.text(entry.label), feed, typed(entry.path), entered)
    input_field("input-seed", "seed", str(form.seed), typed(SEED), entered, version=version)
    units = [unit.value for unit in StepUnit]
    input_field("step-unit", "a step is one", form.step_unit, typed(STEP_UNIT), version=version, choices=units)
    apart = "every plant a process"
    input_field("processes", apart, text_of(form.processes), typed(PROCESSES), version=version, kind="switch")


def _field(entry: Entry, label: str, feed: OwnFeed, typed: Typed, entered: Typed) -> None:
    """One parameter; a number may be left to the scenario."""
    kind = "switch" if entry.switch else "number"
    input_field(
        f"input-{entry.name}",
        label,
        feed.form.text(entry),
        typed,
        entered,
        version=id(feed),
        kind=kind,
        choices=entry.choices,
        hint=AS_IN_THE_SCENARIO,
        fault=feed.form.fault(entry),
    )


@solara.component
def Export(session: Session, frame: Frame) -> None:
    """Writes a run folder, once the market is over."""
    message, set_message = solara.use_state("")
    fault, set_fault = solara.use_state("")

    def export() -> None:
        try:
            path = export_run(frame.timeline.records, None, datetime.now().astimezone(), session.feed.scenario)
        except MarketError as error:
            set_fault(str(error))
        else:
            set_fault("")
            set_message(f"written to {path}")

    over = bool(frame.timeline.newest.verdict)
    solara.Button("Export run folder", on_click=export, disabled=not over, outlined=True, classes=["export"])
    if fault:
        solara.Error(fault, classes=["fault"])
    elif message:
        solara.Success(message, classes=["exported"])
