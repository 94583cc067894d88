"""One plan of a run of many days as a scenario of its own: its periods, plants that go on from where they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from market.model.assets import Hydro, StoredEnd
from market.model.calendar import stamps
from market.model.public import PublicRules
from market.model.rolling import PlanEnd, Rolling
from market.model.rules import Horizon
from market.model.stretch import stretch
from market.model.vpp import Asset, ControllableLoad, Storage, Unit, Vpp
from market.rolling.plant_state import PlantState, with_state
from market.rolling.windows import PlanWindow, rolling_of, window_horizon
from market.scenario.digest import seal_public, seal_scenario
from market.scenario.scenario import Scenario


def window_scenario(whole: Scenario, window: PlanWindow, states: Mapping[str, PlantState]) -> Scenario:
    """What is planned in a window: an ordinary scenario. states : by VPP, how each begins

    A window of the whole horizon from which nothing has gone before is the scenario itself, run as one plan.
    """
    public = window_public(whole.public, window)
    horizon, rolling = whole.public.horizon, rolling_of(whole)
    vpps = tuple(window_plant(vpp, horizon, rolling, window, states[vpp.id]) for vpp in whole.vpps)
    others = None if whole.whole else whole.digest_by_vpp
    sealed = seal_scenario(whole.name, whole.title, public, vpps, whole.network, whole.audit, others)
    return replace(sealed, sources=whole.sources)


def window_public(public: PublicRules, window: PlanWindow) -> PublicRules:
    """The public rules of a window."""
    starts = stamps(public.horizon)
    horizon = window_horizon(public.horizon, window, starts[window.first] if starts else "")
    if horizon == public.horizon:
        return public
    cut = stretch(public, window.periods)
    return seal_public(horizon, cut.tariff, public.market, cut.carbon, public.currency, public.imbalance)


def window_plant(vpp: Vpp, horizon: Horizon, rolling: Rolling, window: PlanWindow, state: PlantState) -> Vpp:
    """A plant in a window of a horizon: it goes on from a state, and ends as the run of many days says."""
    cut = stretch(vpp, window.periods)
    own = {unit.id for unit in cut.units}
    fields = {unit.id: _asset(unit, horizon, rolling, window) for unit in cut.all_units if unit.id not in own}
    units = tuple(replace(unit, asset=_asset(unit, horizon, rolling, window)) for unit in cut.units)
    ends = replace(cut, units=units, **fields)  # type: ignore[arg-type]  # a unit of a field is called as it
    return _anchored(with_state(ends, state), vpp)


def _asset(unit: Unit, horizon: Horizon, rolling: Rolling, window: PlanWindow) -> Asset:
    asset = unit.asset
    value = rolling.end_value_cny_per_mwh
    if isinstance(asset, Storage) and rolling.soc_end is not PlanEnd.OWN:
        end = StoredEnd(rolling.soc_end.value)
        return replace(asset, end=end, end_value_cny_per_mwh=value, soc_end=None)
    if isinstance(asset, Hydro) and rolling.soc_end is not PlanEnd.OWN:
        end = StoredEnd(rolling.soc_end.value)
        return replace(asset, end=end, end_value_cny_per_mwh=value, level_end=None)
    if isinstance(asset, ControllableLoad) and window.kept < horizon.periods:
        return replace(asset, limit_each_day=True)
    return asset


def _anchored(now: Vpp, begun: Vpp) -> Vpp:
    """A store that ends as it began ends as the run began, also where it holds something else by now."""
    first = {unit.id: unit.asset for unit in begun.all_units}
    anchored = {unit.id: _anchor(unit.asset, first[unit.id]) for unit in now.all_units}
    if all(anchored[unit.id] is unit.asset for unit in now.all_units):
        return now
    own = {unit.id for unit in now.units}
    units = tuple(replace(unit, asset=anchored[unit.id]) for unit in now.units)
    fields = {name: asset for name, asset in anchored.items() if name not in own}
    return replace(now, units=units, **fields)  # type: ignore[arg-type]  # as above


def _anchor(now: Asset, begun: Asset) -> Asset:
    if not isinstance(now, Storage | Hydro) or now.end is not StoredEnd.AS_BEGUN:
        return now
    if isinstance(now, Storage) and isinstance(begun, Storage) and now.soc_initial != begun.soc_initial:
        return replace(now, end=StoredEnd.GIVEN, soc_end=begun.soc_initial)
    if isinstance(now, Hydro) and isinstance(begun, Hydro) and now.level_initial != begun.level_initial:
        return replace(now, end=StoredEnd.GIVEN, level_end=begun.level_initial)
    return now
