"""What the pages of this process were started to show: a run folder, a running broker, or a scenario."""

from __future__ import annotations

from dataclasses import dataclass

from market.app.view.feeds.feed import Feed
from market.app.view.feeds.own import OwnFeed
from market.app.view.form import form_of, model_of
from market.app.view.session import Session
from market.scenario import DEFAULT_CASE, builtin_cases, load_scenario
from market.scenario.changes import changed
from market.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Target:
    """A source that all pages share, or the name of a scenario that each page runs a model of its own of.

    settings : of --set, what flags change of that scenario
    """

    feed: Feed | None = None
    scenario: str = DEFAULT_CASE
    settings: tuple[str, ...] = ()


class _Chosen:
    target = Target()


def choose(target: Target) -> None:
    """Say what the pages are for, before any is opened."""
    _Chosen.target = target


def open_session() -> Session:
    """What a new tab looks at."""
    target = _Chosen.target
    if target.feed is not None:
        return Session(target.feed)
    scenario = offered_scenario(target.scenario)
    return Session(OwnFeed(model_of(scenario, form_of(scenario))))


def offered_scenario(name: str) -> Scenario:
    """The scenario of that name; the one that was asked for as its flags change it. Raises ScenarioError."""
    scenario, target = load_scenario(name), _Chosen.target
    return changed(scenario, target.settings) if name == target.scenario else scenario


def shared_feed() -> Feed | None:
    """The source that the pages share, if there is one."""
    return _Chosen.target.feed


def scenario_names() -> list[str]:
    """Scenarios that a page offers: the built-in cases, and the one that was asked for."""
    names = list(builtin_cases())
    return names if _Chosen.target.scenario in names else [_Chosen.target.scenario, *names]
