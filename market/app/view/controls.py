"""The controls beside the pictures: what is shown, its parameters, export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import solara

from market.app.replay.export import export_run
from market.app.results.telling import Telling, telling_of
from market.app.runs.local_market import StepUnit
from market.app.view.feeds.feed import Feed
from market.app.view.feeds.own import OwnFeed
from market.app.view.form import ENTRIES, Form, form_of, model_of
from market.app.view.session import Frame, Session
from market.app.view.target import offered_scenario, scenario_names, shared_feed
from market.app.view.told import told_of
from market.errors import MarketError
from market.scenario.catalogue import Entry
from market.scenario.scenario import Scenario

Changed = Callable[[], None]


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
            label = told_of(frame.view).text(entry.label)
            solara.Text(f"{label}: {_value_text(form.values[entry.path])}", classes=["rule"])
    solara.Text(f"seed: {form.seed}", classes=["rule"])


def _value_text(value: object) -> str:
    if value is None:
        return "as in the scenario"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _runnable(session: Session) -> Scenario | None:
    """The scenario that is looked at, if all its plants are at hand."""
    scenario = session.feed.scenario
    return scenario if scenario is not None and scenario.whole else None


def _run_here(session: Session, frame: Frame, changed: Changed) -> None:
    """A model of what is looked at, in this process and in this tab."""
    scenario = _runnable(session)
    if scenario is not None:
        session.look_at(OwnFeed(model_of(scenario, form_of(scenario, frame.view.seed))))
        changed()


def _look_at(session: Session, feed: Feed, changed: Changed) -> None:
    session.look_at(feed)
    changed()


@solara.component
def OwnControls(session: Session, feed: OwnFeed, changed: Changed) -> None:
    """Scenario and parameters of this tab's model; they take effect with a reset."""
    model = feed.model
    scenario, set_scenario = solara.use_state(model.scenario)
    named, set_named = solara.use_state(model.scenario.name)
    form, set_form = solara.use_state(form_of(model.scenario, model.market.seed))
    fault, set_fault = solara.use_state("")

    names = scenario_names()
    offered = names if named in names else [named, *names]

    def choose(name: str) -> None:
        if name not in offered:  # what a browser sends is no path to read from
            return
        loaded = offered_scenario(name)
        set_named(name)
        set_scenario(loaded)
        set_form(form_of(loaded, form.seed))
        start(loaded, form_of(loaded, form.seed))

    def start(of: Scenario, given: Form) -> None:
        try:
            session.look_at(OwnFeed(model_of(of, given)))
        except MarketError as error:
            set_fault(str(error))
            return
        set_fault("")
        changed()

    def change(path: str, value: Any) -> None:
        set_form(form.with_value(path, value))

    solara.Select("scenario", value=named, values=offered, on_value=choose)
    Fields(form, change, telling_of(scenario))
    solara.InputInt("seed", value=form.seed, on_value=lambda v: set_form(replace(form, seed=v)))
    units = [unit.value for unit in StepUnit]
    solara.Select(
        "a step is one",
        value=form.step_unit,
        values=units,
        on_value=lambda v: set_form(replace(form, step_unit=v)),
    )
    if fault:
        solara.Error(fault)
    with solara.Row(gap="8px"):
        solara.Button("Reset", on_click=lambda: start(scenario, form), color="primary", classes=["reset"])
        shared = shared_feed()
        if shared is not None:
            solara.Button("Back", on_click=lambda: _look_at(session, shared, changed), outlined=True)


@solara.component
def Fields(form: Form, change: Callable[[str, Any], None], told: Telling) -> None:
    """Every parameter: those that stand first, and the others behind a line to open."""
    for entry in ENTRIES:
        if entry.parameter.first:
            Field(entry, told.text(entry.label), form.values[entry.path], change)
    with solara.Details("all other parameters"):
        for entry in ENTRIES:
            if not entry.parameter.first:
                Field(entry, told.text(entry.label), form.values[entry.path], change)


@solara.component
def Field(entry: Entry, label: str, value: Any, change: Callable[[str, Any], None]) -> None:
    """One parameter; a number may be left to the scenario."""

    def given(new: Any) -> None:
        change(entry.path, new)

    if entry.switch:
        solara.Checkbox(label=label, value=bool(value), on_value=given)
    elif entry.choices:
        solara.Select(label, value=value, values=list(entry.choices), on_value=given)
    else:
        make = solara.InputInt if isinstance(entry.default, int) else solara.InputFloat
        make(label, value=value, on_value=given, optional=True, classes=[f"input-{entry.name}"])


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
        solara.Error(fault)
    elif message:
        solara.Success(message, classes=["exported"])
