"""Parts of a scenario: what everybody may know, what one plant's owner may; and what is asked of a whole one."""

from __future__ import annotations

from dataclasses import replace

from market.errors import Fault, ScenarioError
from market.scenario.digest import seal_scenario
from market.scenario.scenario import Scenario

_SHOWN = 8


def require_plants(scenario: Scenario) -> Scenario:
    """The scenario itself. ScenarioError unless every plant of the market is in it."""
    if scenario.whole:
        return scenario
    present = tuple(vpp.id for vpp in scenario.vpps)
    absent = [vpp for vpp in scenario.roster if vpp not in present]
    found = f"no plant of {_listed(absent)}" if present else f"no plant at all, of {len(absent)} in the roster"
    remedy = "name the folder with all plants; a part is for `vppmarket broker` and `vppmarket node`"
    rule = "this needs every plant of the market"
    raise ScenarioError([Fault(rule, found, f"scenario {scenario.name}", remedy)])


def require_one_plan(scenario: Scenario) -> Scenario:
    """The scenario itself. ScenarioError where it is to be run day by day, and one plan is made of it."""
    if scenario.rolling is None:
        return scenario
    rule, found = "this makes one plan of the whole horizon", "a scenario of days in a row"
    remedy = (
        "run its days with `vppmarket run`, in Python market.run_days, or name the folder of one of these days; "
        'for one plan of all take rolling out: --set rolling=null, in Python {"rolling": None}'
    )
    raise ScenarioError([Fault(rule, found, f"scenario {scenario.name}: rolling", remedy)])


def public_part(scenario: Scenario) -> Scenario:
    """The same market without any plant: all that its broker needs."""
    return replace(scenario, vpps=(), sources=_sources(scenario, ()))


def own_part(scenario: Scenario, vpp_id: str) -> Scenario:
    """The public part and one plant: all that this plant's node needs. KeyError if it is not there.

    Of its group it has its own share alone, as limits of its own.
    """
    vpp = replace(scenario.vpp(vpp_id), group=None)
    return replace(scenario, vpps=(vpp,), sources=_sources(scenario, (vpp_id,)))


def _sources(scenario: Scenario, here: tuple[str, ...]) -> dict[str, str]:
    """Where the columns came from that everybody knows, or that are of a plant that is here."""
    return {
        column: told
        for column, told in scenario.sources.items()
        if _owner(column, scenario.roster) in (None, *here)
    }


def _owner(column: str, roster: tuple[str, ...]) -> str | None:
    """Whose column it is: the longest id that it begins with."""
    return max((vpp for vpp in roster if column.startswith(f"{vpp}_")), key=len, default=None)


def undisclosed(scenario: Scenario) -> Scenario:
    """The same without the digests of plants that are not here; its own digest is another one."""
    others = dict.fromkeys(scenario.roster, "")
    sealed = seal_scenario(
        scenario.name,
        scenario.title,
        scenario.public,
        scenario.vpps,
        scenario.network,
        scenario.audit,
        others,
    )
    return replace(sealed, rolling=scenario.rolling, sources=scenario.sources)


def _listed(ids: list[str]) -> str:
    return ", ".join(ids[:_SHOWN]) + (f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else "")
