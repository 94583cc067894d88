"""Claims: a day becomes real the same way in one process, over messages whoever dies, and in a replay; its tables
tell who deviates and what that costs, so that every bill can be made again from two series; nothing is told of a
private plant but what settlement needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from broker.screening.audits import screen_audit
from broker.tape import AuditGiven
from broker.wire.messages import Audit
from market.app.figures.imbalance import imbalance_figure
from market.app.replay.decision import differences
from market.app.replay.tally import replayed
from market.app.results.concluded_day import ConcludedDay, conclude_day
from market.app.results.folder import RunFolder
from market.app.results.manifest import RunSpec
from market.app.results.recorded import RecordedRun, read_run
from market.app.runs.in_process import market_day, run_in_process
from market.app.runs.run_day import run_day
from market.errors import ProtocolError
from market.forecast.errors import ForecastErrors, ForecastModel
from market.forecast.plants import surprised
from market.model.arrays import frozen
from market.model.disclosure import Disclosure
from market.model.imbalance import ImbalanceRules
from market.model.plan import DispatchPlan, PlanTotals
from market.model.reality import MeteredDay, as_realised
from market.model.vpp import Vpp
from market.scenario import load_scenario
from market.scenario.digest import seal_scenario
from market.scenario.scenario import Scenario
from market.settlement.laws import check_laws
from market.settlement.outcome import MarketOutcome
from market.settlement.reality import KEPT_SCHEDULE, schedule_laws, settle_reality
from market.settlement.settlement import settle
from scripts.bench.days_of_size import repeated, scenario_of_size
from tests.app.audited_days import STARTED
from tests.app.days_over_the_bus import day_of
from tests.app.picture_faults import faults
from tests.app.replayed_tapes import any_death, finished, market_of, read, written
from tests.tapes import of_kind

NOISE: Mapping[str, Any] = {
    "forecast.model": "noise",
    "forecast.given": "forecast",
    "forecast.noise_share": 0.3,
    "forecast.noise_seed": 4,
}
SINGLE = {**NOISE, "imbalance.pricing": "single"}
RULES: Mapping[str, Mapping[str, Any]] = {
    "game": NOISE,
    "one price": SINGLE,
    "iterate": {**NOISE, "market.coupling": "iterate", "market.coupling_rounds": 2},
    "consensus": {**NOISE, "market.mechanism": "consensus"},
    "cleared": {**NOISE, "market.mechanism": "mid_market_rate"},
    "late and lost": {**NOISE, "network.delay_s": 0.05, "network.loss": 0.2},
    "deaths": {**NOISE, "network.delay_s": 0.05, "network.loss": 0.2, "network.on_loss": "wait"},
    "real time": {**NOISE, "network.time": "wall", "network.delay_s": 0.01},
}


@cache
def scenario_of(case: str, kind: str) -> Scenario:
    return load_scenario(case).with_(dict(RULES[kind]))


@cache
def day(case: str = "five_vpp", kind: str = "game") -> MarketOutcome:
    return market_day(scenario_of(case, kind))


def concluded(case: str = "five_vpp", kind: str = "game") -> ConcludedDay:
    scenario = scenario_of(case, kind)
    outcome, facts = run_in_process(scenario, 0, Path(), lambda progress: None)
    return conclude_day(RunSpec(scenario, 0, True, STARTED), outcome, facts)


@pytest.mark.parametrize("kind", RULES)
def test_a_day_becomes_real_over_messages_as_in_one_process(kind: str, tmp_path: Path) -> None:
    scenario = scenario_of("two_vpp", kind)
    run = finished(market_of(scenario))
    ours, theirs = day("two_vpp", kind).days, day_of(run).days
    assert [d.reality is not None for d in ours] == [True, True]
    assert list(differences([d.reality for d in ours], [d.reality for d in theirs], "reality")) == []
    folder = written(run.tape, tmp_path / "run")
    tally = replayed(read(folder), None, {vpp.id: vpp for vpp in scenario.vpps})
    assert not tally.differing
    assert tally.complete


@pytest.mark.sampled(2)
@pytest.mark.parametrize("seed", range(8))
def test_whoever_dies_on_the_way(seed: int) -> None:
    """Nodes and broker are killed and come back; the tape is taken up."""
    run = finished(market_of(scenario_of("five_vpp", "deaths"), seed), any_death(seed), 300)
    ours = [d.reality for d in day("five_vpp", "deaths").days]
    assert list(differences(ours, [d.reality for d in day_of(run).days], "reality")) == []


def rows(run: RecordedRun, scenario: str, vpp: str) -> dict[str, np.ndarray[Any, Any]]:
    found = run["imbalance"].where(scenario=scenario, vpp=vpp)
    return {name: found[name] for name in found.columns}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("real") / "run"
    path.mkdir()
    what = RunSpec(scenario_of("five_vpp", "game"), 0, True, STARTED)
    run_day(what, run_in_process, RunFolder(path), lambda progress: None, since=0.0)
    return path


def test_every_bill_is_made_again_from_the_tables(folder: Path) -> None:
    """Deviation, price, cost; accounts; and the balance of each plan in reality."""
    run, public = read_run(folder), scenario_of("five_vpp", "game").public
    retail, feed_in = public.tariff.retail_cny_per_mwh, public.tariff.feed_in_cny_per_mwh
    for stage, scenario in ((1, "grid_only"), (3, "game")):
        for vpp in run.vpps:
            found = rows(run, scenario, vpp)
            planned = run["dispatch"].where(vpp=vpp, stage=stage)
            real = run["dispatch"].where(vpp=vpp, stage=4 if stage == 1 else 5)
            u = found["deviation_mw"]
            assert np.allclose(found["scheduled_mw"], planned["buy_mw"] - planned["sell_mw"], atol=1e-9)
            assert np.allclose(found["realised_mw"], real["buy_mw"] - real["sell_mw"], atol=1e-9)
            assert np.allclose(u, found["realised_mw"] - found["scheduled_mw"], atol=1e-12)
            assert np.allclose(found["price_cny_per_mwh"], np.where(u < 0, 0.8 * feed_in, 1.2 * retail))
            assert np.allclose(found["cost_cny"], found["price_cny_per_mwh"] * u * run.period_h)
            bill = float(found["cost_cny"].sum() + found["missed_cny"].sum())
            assert run.account(vpp, f"{scenario}_realised", "imbalance_cny") == pytest.approx(bill)
            assert run.account(vpp, scenario, "imbalance_cny") == 0.0
            supply = ("wt_mw", "pv_mw", "mt_mw", "discharge_mw", "cl_mw", "buy_mw", "direct_in_mw")
            use = ("load_mw", "charge_mw", "sell_mw", "direct_out_mw")
            missed = sum(real[name] for name in use) - sum(real[name] for name in supply)
            assert np.allclose(missed, found["missed_mw"], atol=1e-6)
    for scenario in ("grid_only_realised", "game_realised"):
        parts = ("operation_cny", "trade_cny", "carbon_cny", "imbalance_cny")
        for who in (*run.vpps, "system"):
            total = sum(run.account(who, scenario, part) for part in parts)
            assert run.account(who, scenario, "total_cny") == pytest.approx(total)


def test_a_plant_without_flexibility_pays_for_what_its_series_differ_by() -> None:
    """Exactly, from its two series: nothing of it can be moved, and all that the wind gives is worth taking."""
    scenario, load, wind = stiff_market()
    outcome = market_day(scenario)
    real = settle_reality(outcome, scenario.public, scenario.vpps)
    assert real is not None
    for bill, vpp in zip(real.game_bills, scenario.vpps, strict=True):
        u = (load[vpp.id][1] - load[vpp.id][0]) - (wind[vpp.id][1] - wind[vpp.id][0])
        assert np.allclose(bill.metered.deviation_mw, u, atol=1e-9)
        price = np.where(u > 0, 1.2 * scenario.public.tariff.retail_cny_per_mwh, 0.8 * 300.0)
        assert bill.total_cny == pytest.approx(float(price @ u) * scenario.public.horizon.period_h, rel=1e-9)


def stiff_market() -> tuple[Scenario, dict[str, Any], dict[str, Any]]:
    """Two plants of wind and load, one selling to the other."""
    base = load_scenario("two_vpp").with_({"imbalance.short_premium": 0.2, "carbon.base_price_cny_per_t": 0})
    public = base.public
    public = replace(
        public, tariff=replace(public.tariff, feed_in_cny_per_mwh=frozen(np.full(public.horizon.periods, 300.0)))
    )
    draw, vpps, load, wind = np.random.default_rng(5), [], {}, {}
    for plant, size in zip(base.vpps, (4.0, 1.0), strict=True):
        load[plant.id] = draw.uniform(1.0, 2.0, (2, public.horizon.periods))
        wind[plant.id] = size * draw.uniform(0.2, 1.0, (2, public.horizon.periods))
        windmill = load_scenario("five_vpp").vpp("VPP5").wt
        assert windmill is not None
        windmill = replace(windmill, forecast_mw=frozen(wind[plant.id][0]), realised_mw=frozen(wind[plant.id][1]))
        vpps.append(
            Vpp(
                plant.id,
                "",
                frozen(load[plant.id][0]),
                wt=windmill,
                realised_load_mw=frozen(load[plant.id][1]),
            )
        )
    sealed = seal_scenario("stiff", "", public, tuple(vpps), base.network)
    return sealed, load, wind


def test_with_one_price_all_are_settled_at_that_of_the_side_on_which_all_stand() -> None:
    outcome, public = day(kind="one price"), scenario_of("five_vpp", "one price").public
    real = settle_reality(outcome, public, scenario_of("five_vpp", "one price").vpps)
    assert real is not None
    together = np.sum([bill.metered.deviation_mw for bill in real.game_bills], axis=0)
    retail, feed_in = public.tariff.retail_cny_per_mwh, public.tariff.feed_in_cny_per_mwh
    wanted = np.where(together > 0, 1.2 * retail, 0.8 * feed_in)
    assert (together > 1e-3).any()
    assert (together < -1e-3).any()
    for bill in real.game_bills:
        assert np.allclose(bill.price_cny_per_mwh, wanted)
    dual = [d.reality for d in day().days]
    assert list(differences(dual, [d.reality for d in outcome.days], "reality")) == []


def test_a_perfect_forecast_gives_no_imbalance_and_the_same_accounts() -> None:
    plain = load_scenario("five_vpp")
    scenario = plain.with_({"imbalance.pricing": "dual"})
    real = settle_reality(market_day(scenario), scenario.public, scenario.vpps)
    assert real is not None
    settlement = settle(market_day(plain), plain.public)
    assert real.game == settlement.game
    assert real.grid_only == settlement.grid_only
    assert real.losers == ()
    assert not any(bill.metered.deviation_mw.any() for bill in (*real.game_bills, *real.grid_only_bills))


def test_losers_are_those_whose_account_says_so() -> None:
    """A seller whose wind fails has sold below what it has to pay for it."""
    scenario, _, wind = stiff_market()
    still = tuple(
        replace(vpp, wt=replace(vpp.wt, realised_mw=frozen(0.0 * wind[vpp.id][1]))) if vpp.wt else vpp
        for vpp in scenario.vpps
    )
    scenario = replace(scenario, vpps=still)
    outcome = market_day(scenario)
    real = settle_reality(outcome, scenario.public, scenario.vpps)
    assert real is not None
    for before, after in zip(real.grid_only, real.game, strict=True):
        assert (after.vpp in real.losers) is (after.total_cny > before.total_cny + 1e-3)
    assert set(real.compared) == {vpp.id for vpp in scenario.vpps}
    assert check_laws(outcome, settle(outcome, scenario.public), scenario.public, scenario.vpps) == ()


def test_a_schedule_that_is_not_the_plans_breaks_a_law() -> None:
    outcome = day()
    first = outcome.days[0]
    assert first.reality is not None
    assert list(schedule_laws(outcome)) == []
    after = replace(first.reality.after, scheduled_mw=first.reality.after.scheduled_mw + 0.5)
    other = replace(first, reality=replace(first.reality, after=after))
    broken = list(schedule_laws(replace(outcome, days=(other, *outcome.days[1:]))))
    assert len(broken) == 24
    assert all(law.law == KEPT_SCHEDULE for law in broken)


def test_a_private_plant_tells_of_reality_what_settlement_needs() -> None:
    """And no more: with totals no plan of it, with nothing not even what it comes to."""
    plain = scenario_of("two_vpp", "game")
    ours = [d.reality for d in day("two_vpp").days]
    for level, kind in ((Disclosure.TOTALS, PlanTotals), (Disclosure.NONE, type(None))):
        run = finished(market_of(plain.with_({"audit": level.value})))
        audits = list(of_kind(run.tape, AuditGiven))
        assert len(audits) == 2
        for audit, known in zip(audits, ours, strict=True):
            assert known is not None
            assert audit.reality is not None
            assert isinstance(audit.reality.before_plan, kind)
            assert isinstance(audit.reality.after_plan, kind)
            assert list(differences(known.after, audit.reality.after, "metered")) == []


def audit_of(vpp: int = 0) -> Audit:
    found = day("two_vpp").days[vpp]
    return Audit(1, found.before, found.after, 1.0, (), reality=found.reality)


def test_what_is_told_of_reality_is_screened() -> None:
    audit = audit_of()
    periods = len(audit.reality.after.scheduled_mw) if audit.reality else 0
    assert audit.reality is not None
    screen_audit("A", audit, periods, certified=False, realised=True)
    short = MeteredDay(frozen([1.0]), frozen([1.0]), frozen([0.0]))
    huge = replace(audit.reality.after, realised_mw=frozen(np.full(periods, 1e31)))
    for altered, said in (
        (replace(audit, reality=None), "asked for what became of its day"),
        (replace(audit, reality=replace(audit.reality, after=short)), "not for"),
        (replace(audit, reality=replace(audit.reality, before=huge)), "beyond"),
        (replace(audit, reality=replace(audit.reality, after_plan=None)), "not as much of reality"),
    ):
        with pytest.raises(ProtocolError, match=said):
            screen_audit("A", altered, periods, certified=False, realised=True)
    with pytest.raises(ProtocolError, match="nothing of what became"):
        screen_audit("A", audit, periods, certified=False)


def test_its_folder_is_read_back_and_tells_who_loses(folder: Path) -> None:
    run = read_run(folder)
    told = run.manifest["imbalance"]
    assert told["losers"] == []
    assert told["compared"] == run.vpps
    assert told["cost_cny"] == pytest.approx(run.account("system", "game_realised", "imbalance_cny"))
    saved = run.account("system", "grid_only_realised", "total_cny")
    saved -= run.account("system", "game_realised", "total_cny")
    assert told["saving_cny"] == pytest.approx(saved)
    assert run.manifest["rules"]["imbalance"]["short_premium"] == 0.2
    assert set(run["dispatch"]["stage"].tolist()) == {1, 3, 4, 5}


def test_a_day_that_says_nothing_of_reality_has_the_tables_it_had() -> None:
    scenario = load_scenario("two_vpp")
    outcome, facts = run_in_process(scenario, 0, Path(), lambda progress: None)
    found = conclude_day(RunSpec(scenario, 0, True, STARTED), outcome, facts)
    assert "imbalance" not in found.tables
    assert found.tables["costs"].columns[-1] == "curtailed_mwh"
    assert "imbalance" not in found.manifest
    assert "imbalance" not in found.manifest["rules"]


def test_reality_is_of_the_plant_and_no_part_of_what_all_know() -> None:
    scenario = scenario_of("five_vpp", "game")
    assert isinstance(day().days[0].after, DispatchPlan)
    assert all(as_realised(vpp) is not vpp for vpp in scenario.vpps)
    assert scenario.shared.public.imbalance is not None
    assert "realised" not in repr(scenario.shared)


def test_prices_of_a_tariff_that_is_not_known_here_are_left_open() -> None:
    found = concluded("two_vpp")
    outcome = found.outcome
    own = replace(outcome.days[0], declaration=replace(outcome.days[0].declaration, own_tariff=True))
    changed = replace(outcome, days=(own, *outcome.days[1:]))
    real = settle_reality(changed, found.scenario.public, ())
    assert real is not None
    assert np.isnan(real.game[0].imbalance_cny)
    assert np.isfinite(real.game[1].imbalance_cny)
    assert real.compared == (outcome.days[1].declaration.vpp,)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("vpps", "times", "long_ids"), [(2, 1, False), (5, 28, True), (12, 4, True), (45, 1, False)]
)
def test_its_picture_is_right_at_any_size(vpps: int, times: int, long_ids: bool) -> None:
    base = scenario_of_size(vpps, power_scale=0.001 if long_ids else 1.0, long_ids=long_ids, perfect=True)
    drawn = ForecastErrors(model=ForecastModel.NOISE, noise_share=0.4)
    public = replace(base.public, imbalance=ImbalanceRules())
    scenario = replace(base, public=public, vpps=tuple(surprised(vpp, drawn, 1.0) for vpp in base.vpps))
    outcome, facts = run_in_process(scenario, 0, Path(), lambda progress: None)
    found = conclude_day(RunSpec(scenario, 0, True, STARTED), outcome, facts).recorded("run")
    assert faults(imbalance_figure(repeated(found, times))) == []
