"""One plan of a run of many days as a scenario of its own: its periods, plants that go on from where they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from market.costs.reservoir import with_reachable_end
from market.model.assets import Hydro, StoredEnd
from market.model.calendar import stamps
from market.model.imbalance import ImbalanceRules
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
    imbalance = _imbalance(cut.imbalance, window)
    return seal_public(horizon, cut.tariff, public.market, cut.carbon, public.currency, imbalance)


def _imbalance(rules: ImbalanceRules | None, window: PlanWindow) -> ImbalanceRules | None:
    """Only what is kept becomes real; of the whole horizon it may be said that less does."""
    if rules is None:
        return None
    of_all = rules.settled_periods
    real = window.kept if of_all is None else min(window.kept, max(of_all - window.first, 0))
    return replace(rules, settled_periods=None if real == window.planned else real)


def window_plant(vpp: Vpp, horizon: Horizon, rolling: Rolling, window: PlanWindow, state: PlantState) -> Vpp:
    """A plant in a window of a horizon: it goes on from a state, and ends as the run of many days says.

    A reservoir that may have got less than expected ends no higher than it can.
    """
    ends = _with_assets(stretch(vpp, window.periods), lambda unit: _asset(unit, horizon, rolling, window))
    first = {unit.id: unit.asset for unit in vpp.all_units}
    anchored = _with_assets(with_state(ends, state), lambda unit: _anchor(unit.asset, first[unit.id]))
    if window.first == 0:
        return anchored
    return _with_assets(anchored, lambda unit: _within_reach(unit.asset, horizon.period_h))


def _with_assets(vpp: Vpp, changed: Callable[[Unit], Asset]) -> Vpp:
    """The plant with other data of its units; the very same where none is changed."""
    now = {unit.id: changed(unit) for unit in vpp.all_units}
    if all(now[unit.id] is unit.asset for unit in vpp.all_units):
        return vpp
    own = {unit.id for unit in vpp.units}
    fields = {name: asset for name, asset in now.items() if name not in own}
    units = tuple(replace(unit, asset=now[unit.id]) for unit in vpp.units)
    return replace(vpp, units=units, **fields)  # type: ignore[arg-type]  # a unit of a field is called as it


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


def _anchor(now: Asset, begun: Asset) -> Asset:
    """A store that ends as it began ends as the run began, also where it holds something else by now."""
    if not isinstance(now, Storage | Hydro) or now.end is not StoredEnd.AS_BEGUN:
        return now
    if isinstance(now, Storage) and isinstance(begun, Storage) and now.soc_initial != begun.soc_initial:
        return replace(now, end=StoredEnd.GIVEN, soc_end=begun.soc_initial)
    if isinstance(now, Hydro) and isinstance(begun, Hydro) and now.level_initial != begun.level_initial:
        return replace(now, end=StoredEnd.GIVEN, level_end=begun.level_initial)
    return now


def _within_reach(asset: Asset, period_h: float) -> Asset:
    if isinstance(asset, Hydro) and asset.realised_inflow_mw is not None:
        return with_reachable_end(asset, period_h)
    return asset
