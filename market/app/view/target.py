"""What the pages of this process were started to show: runs, a running broker, or a scenario."""

from __future__ import annotations

from dataclasses import dataclass

from market.app.feeds.feed import Feed
from market.app.view.form import form_of, model_of
from market.app.view.own_feed import OwnFeed
from market.app.view.session import Session
from market.scenario import DEFAULT_CASE, builtin_cases, load_scenario
from market.scenario.changes import changed
from market.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Target:
    """Sources that all pages share, side by side, or the name of a scenario that each page runs a model of.

    settings : of --set, what flags change of that scenario
    from_the_start : whether pages play from the first record on
    """

    feeds: tuple[Feed, ...] = ()
    scenario: str = DEFAULT_CASE
    settings: tuple[str, ...] = ()
    from_the_start: bool = False


class _Chosen:
    target = Target()


def choose(target: Target) -> None:
    """Say what the pages are for, before any is opened."""
    _Chosen.target = target


def open_sessions() -> tuple[Session, ...]:
    """What a new tab looks at. A model plays at once: it has nothing to show before."""
    target = _Chosen.target
    if not target.feeds:
        scenario = offered_scenario(target.scenario)
        form = form_of(scenario)
        session = Session(OwnFeed(model_of(scenario, form), scenario, form))
        session.play()
        return (session,)
    sessions = tuple(Session(feed) for feed in target.feeds)
    if target.from_the_start:
        for session in sessions:
            session.from_the_start()
    return sessions


def offered_scenario(name: str) -> Scenario:
    """The scenario of that name; the one that was asked for as its flags change it. Raises ScenarioError."""
    scenario, target = load_scenario(name), _Chosen.target
    return changed(scenario, target.settings) if name == target.scenario else scenario


def shared_feed() -> Feed | None:
    """The source that the pages share, if there is one."""
    return _Chosen.target.feeds[0] if _Chosen.target.feeds else None


def scenario_names() -> list[str]:
    """Scenarios that a page offers: the built-in cases, and the one that was asked for."""
    names = list(builtin_cases())
    return names if _Chosen.target.scenario in names else [_Chosen.target.scenario, *names]
