"""Claims about the run folder: its files agree with each other and with the run, to the last digit.

Money is recomputed here from `dispatch.csv` and the scenario by formulas of our own, not by the program's.
"""

from __future__ import annotations

import json
import os
import stat
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from math import fsum
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from market.app.results.concluded_day import ConcludedDay
from market.app.results.folder import RunFolder, new_run_folder
from market.app.results.manifest import RunSpec
from market.app.results.run_metadata import OnProgress
from market.app.runs.in_process import run_in_process
from market.app.runs.run_day import run_day
from market.errors import RunError, ScenarioError
from market.model.vpp import MicroTurbine, Vpp
from market.scenario import load_scenario, public_part, with_overrides
from market.scenario.scenario import Scenario
from tests.processes.command import manifest, rows

STARTED = datetime.fromisoformat("2026-03-01T12:00:00+01:00")
Row = dict[str, str]


def report_of(scenario: Scenario, path: Path) -> ConcludedDay:
    path.mkdir()
    what = RunSpec(scenario, seed=7, in_process=True, started=STARTED)
    return run_day(what, run_in_process, RunFolder(path), lambda progress: None, since=0.0)


@pytest.fixture(scope="module", params=["five_vpp", "two_vpp", "quarter_hours"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ConcludedDay:
    name: str = request.param
    return report_of(load_scenario(name), tmp_path_factory.mktemp("runs") / name)


def total(table: Iterable[Row], column: str, **where: str) -> float:
    return fsum(float(row[column]) for row in table if all(row[key] == value for key, value in where.items()))


# --- the files say what the run found ---


def test_every_number_survives_the_way_to_disk(report: ConcludedDay) -> None:
    for table in report.tables.values():
        read = rows(report.folder, table.name)
        assert len(read) == len(table.rows)
        for row, written in zip(read, table.rows, strict=True):
            for text, cell in zip(row.values(), written, strict=True):
                if isinstance(cell, float):
                    assert float(text or "nan") == pytest.approx(cell, rel=0, abs=0, nan_ok=True)
                else:
                    assert text == str(cell)


def test_periods_count_from_1_and_every_vpp_has_each(report: ConcludedDay) -> None:
    periods = [str(t + 1) for t in range(report.scenario.public.horizon.periods)]
    assert [row["period"] for row in rows(report.folder, "periods")] == periods
    for vpp in report.scenario.vpps:
        assert [row["period"] for row in rows(report.folder, "roles") if row["vpp"] == vpp.id] == periods


def test_prices_and_plans_in_the_files_are_those_of_the_outcome(report: ConcludedDay) -> None:
    offers = {(row["vpp"], int(row["period"])): row for row in rows(report.folder, "offers")}
    for result in report.outcome.periods:
        for j, seller in enumerate(result.game.sellers if result.game.tradable else ()):
            row = offers.pop((seller, result.game.period + 1))
            assert float(row["price_cny_per_mwh"]) == result.price_cny_per_mwh[j]
            assert result.certificate is not None
            assert float(row["regret_cny"]) == result.certificate.seller_regret_cny[j]
    assert offers == {}


# --- the files agree with each other ---


def test_selections_add_up_to_offers(report: ConcludedDay) -> None:
    selections = rows(report.folder, "selections")
    for offer in rows(report.folder, "offers"):
        where = {"seller": offer["vpp"], "period": offer["period"]}
        for column in ("requested_mw", "delivered_mw"):
            assert total(selections, column, **where) == pytest.approx(float(offer[column]), rel=1e-12, abs=1e-12)
        assert float(offer["delivered_mw"]) <= float(offer["surplus_mw"]) + 1e-9
    chosen: dict[tuple[str, str], float] = defaultdict(float)
    for row in selections:
        chosen[row["buyer"], row["period"]] += float(row["probability"])
    assert list(chosen.values()) == pytest.approx([1.0] * len(chosen), abs=1e-9)


def test_what_is_delivered_is_in_the_plans_and_is_paid_for(report: ConcludedDay) -> None:
    selections, plans = rows(report.folder, "selections"), rows(report.folder, "dispatch")
    hours = report.scenario.public.horizon.period_h
    for row in selections:
        owed = float(row["delivered_mw"]) * float(row["price_cny_per_mwh"]) * hours
        assert float(row["payment_cny"]) == pytest.approx(owed, rel=1e-12)
    for plan in plans:
        taken = total(selections, "delivered_mw", buyer=plan["vpp"], period=plan["period"])
        given = total(selections, "delivered_mw", seller=plan["vpp"], period=plan["period"])
        expected = (taken, given) if plan["stage"] == "3" else (0.0, 0.0)
        assert (float(plan["direct_in_mw"]), float(plan["direct_out_mw"])) == pytest.approx(expected, abs=1e-9)
    for cost in rows(report.folder, "costs"):
        if cost["scenario"] == "game" and cost["vpp"] != "system":
            paid = total(selections, "payment_cny", buyer=cost["vpp"])
            earned = total(selections, "payment_cny", seller=cost["vpp"])
            assert float(cost["trade_cny"]) == pytest.approx(paid - earned, rel=1e-12, abs=1e-9)


def test_every_plan_balances_and_roles_follow_from_it(report: ConcludedDay) -> None:
    for plan in rows(report.folder, "dispatch"):
        mw = {name: float(value) for name, value in plan.items() if name.endswith("_mw")}
        supply = mw["wt_mw"] + mw["pv_mw"] + mw["mt_mw"] + mw["discharge_mw"]
        demand = mw["load_mw"] - mw["cl_mw"] + mw["charge_mw"]
        inflow = mw["buy_mw"] + mw["direct_in_mw"] - mw["sell_mw"] - mw["direct_out_mw"]
        assert supply + inflow == pytest.approx(demand, abs=1e-6)
        if plan["stage"] == "1":
            (role,) = [
                row
                for row in rows(report.folder, "roles")
                if (row["vpp"], row["period"]) == (plan["vpp"], plan["period"])
            ]
            assert (float(role["supply_mw"]), float(role["demand_mw"])) == pytest.approx((supply, demand))
            assert {"seller": supply + mw["curtailed_mw"] > demand, "buyer": supply < demand}.get(
                role["role"], True
            )


def operation_cny(vpp: Vpp, plan: dict[str, np.ndarray], scenario: Scenario) -> float:
    tariff = scenario.public.tariff
    cost = tariff.retail_cny_per_mwh * plan["buy_mw"] - tariff.feed_in_cny_per_mwh * plan["sell_mw"]
    for plant, output in ((vpp.wt, plan["wt_mw"]), (vpp.pv, plan["pv_mw"])):
        cost = cost + (plant.om_cost_cny_per_mwh * output if plant else 0.0)
    if vpp.ess:
        cost = cost + vpp.ess.wear_cny_per_mwh * (plan["charge_mw"] + plan["discharge_mw"])
    if vpp.cl:
        cost = cost + vpp.cl.compensation_cny_per_mwh * plan["cl_mw"]
    if vpp.mt:
        cost = cost + turbine_cny_per_h(vpp.mt, plan["mt_mw"])
    return float(cost.sum()) * scenario.public.horizon.period_h


def turbine_cny_per_h(mt: MicroTurbine, output: np.ndarray) -> np.ndarray:
    knots = np.linspace(mt.p_min_mw, mt.p_max_mw, mt.cost_pieces + 1)
    curve = mt.cost_a_cny_per_mw2h * knots**2 + mt.cost_b_cny_per_mwh * knots + mt.cost_on_cny_per_h
    running = np.interp(output, knots, curve)
    return np.where(output > 0, running, 0.0) if mt.commitment else running


def carbon_cny(excess_t: float, scenario: Scenario) -> float:
    """(3) as a maximum of its affine pieces, or one price."""
    carbon = scenario.public.carbon
    if carbon.mode == "flat":
        return carbon.flat_price_cny_per_t * excess_t
    mu, alpha, length = carbon.base_price_cny_per_t, carbon.growth, carbon.interval_t
    return max(
        mu * (1 + n * alpha) * (excess_t - n * length) + mu * length * (n + alpha * n * (n - 1) / 2)
        for n in range(carbon.steps)
    )


def test_costs_follow_from_the_plans_on_disk(report: ConcludedDay) -> None:
    scenario, carbon = report.scenario, report.scenario.public.carbon
    hours, plans = scenario.public.horizon.period_h, rows(report.folder, "dispatch")
    for cost in rows(report.folder, "costs"):
        if cost["vpp"] == "system":
            continue
        vpp, stage = scenario.vpp(cost["vpp"]), "1" if cost["scenario"] == "grid_only" else "3"
        mine = [row for row in plans if (row["vpp"], row["stage"]) == (vpp.id, stage)]
        plan = {name: np.array([float(row[name]) for row in mine]) for name in mine[0] if name.endswith("_mw")}
        bought, burnt = float(plan["buy_mw"].sum()) * hours, float(plan["mt_mw"].sum()) * hours
        emission = carbon.grid_emission_t_per_mwh * bought + (vpp.mt.emission_t_per_mwh * burnt if vpp.mt else 0.0)
        quota = carbon.grid_quota_t_per_mwh * bought + (carbon.mt_quota_t_per_mwh * burnt if vpp.mt else 0.0)
        expected = (operation_cny(vpp, plan, scenario), carbon_cny(emission - quota, scenario), emission, quota)
        told = tuple(float(cost[name]) for name in ("operation_cny", "carbon_cny", "emission_t", "quota_t"))
        assert told == pytest.approx(expected, rel=1e-9, abs=1e-6)
        parts = fsum(float(cost[name]) for name in ("operation_cny", "trade_cny", "carbon_cny"))
        assert float(cost["total_cny"]) == pytest.approx(parts, rel=1e-12)


def test_the_system_is_the_sum_and_gains_from_trade(report: ConcludedDay) -> None:
    costs = rows(report.folder, "costs")
    for system in (row for row in costs if row["vpp"] == "system"):
        members = [row for row in costs if row["scenario"] == system["scenario"] and row is not system]
        for column in ("operation_cny", "carbon_cny", "total_cny", "emission_t", "quota_t", "curtailed_mwh"):
            assert float(system[column]) == pytest.approx(total(members, column), rel=1e-12, abs=1e-9)
        assert abs(float(system["trade_cny"])) < 1e-6
    before, after = (total(costs, "total_cny", vpp="system", scenario=s) for s in ("grid_only", "game"))
    assert after < before


def test_the_trace_ends_where_the_day_ends(report: ConcludedDay) -> None:
    last = {
        (row["quantity"], row["vpp"], row["counterpart"], row["period"]): float(row["value"])
        for row in rows(report.folder, "trace")
    }
    for offer in rows(report.folder, "offers"):
        assert last["price", offer["vpp"], "", offer["period"]] == float(offer["price_cny_per_mwh"])
    for row in rows(report.folder, "selections"):
        for quantity in ("probability", "evolution"):
            end = last[quantity, row["buyer"], row["seller"], row["period"]]
            assert end == pytest.approx(float(row["probability"]), abs=1e-9)


def test_manifest_and_certificate_agree_with_the_outcome(report: ConcludedDay) -> None:
    told = manifest(report.folder)
    certificate = json.loads((report.folder / "certificate.json").read_text(encoding="utf-8"))
    assert told["verdict"] == certificate["verdict"] == "equilibrium"
    assert told["epsilon_cny"] == certificate["epsilon_cny"] == report.outcome.epsilon_cny
    assert told["epsilon_relative"] == certificate["epsilon_relative"] <= 1e-6
    assert told["broken_laws"] == []
    assert (told["seed"], told["started"]) == (7, "2026-03-01T12:00:00+01:00")
    assert told["process_ids"] == {"market": os.getpid()}
    assert told["scenario_digest"] == report.scenario.digest
    assert {"python", "vppmarket", "numpy", "ortools"} <= told["versions"].keys()
    assert len(certificate["periods"]) == report.scenario.public.horizon.periods
    assert len(certificate["dispatch"]) == 2 * len(report.scenario.vpps)
    regrets = [seller["regret_cny"] for period in certificate["periods"] for seller in period.get("sellers", ())]
    assert regrets == [float(row["regret_cny"]) for row in rows(report.folder, "offers")]


# --- the folder itself ---


def test_equal_runs_leave_equal_tables(report: ConcludedDay, tmp_path: Path) -> None:
    again = report_of(report.scenario, tmp_path / "again")
    for name in [*(f"{table}.csv" for table in report.tables), "certificate.json"]:
        assert (again.folder / name).read_bytes() == (report.folder / name).read_bytes(), name


def test_default_folders_are_called_after_scenario_and_time_and_never_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = [new_run_folder(None, "my case/1", STARTED).path for _ in range(3)]
    assert [path.name for path in names] == [
        *("my-case-1-20260301-120000", "my-case-1-20260301-120000-2", "my-case-1-20260301-120000-3")
    ]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = new_run_folder(tmp_path / "day", "case", STARTED)
    folder.write("a.csv", "x\n")
    folder.write("a.csv", "y\n")
    assert [(path.name, path.read_text()) for path in folder.path.iterdir()] == [("a.csv", "y\n")]
    with pytest.raises(ScenarioError, match="must be empty"):
        new_run_folder(tmp_path / "day", "case", STARTED)


def test_a_folder_that_has_vanished_is_a_run_that_broke(tmp_path: Path) -> None:
    folder = new_run_folder(tmp_path / "day", "case", STARTED)
    folder.path.rmdir()
    with pytest.raises(RunError, match=r"a\.csv cannot be written: no such file or directory"):
        folder.write("a.csv", "x\n")


# --- whose it is, and what was run ---


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("out", [None, Path("day")], ids=["default", "named"])
def test_a_new_run_folder_is_its_owners_alone(
    out: Path | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    old = os.umask(0)
    try:
        folder = new_run_folder(out, "case", STARTED)
        folder.write("a.csv", "x\n")
    finally:
        os.umask(old)
    assert (mode(folder.path), mode(folder.path / "a.csv")) == (0o700, 0o600)


def test_a_folder_that_was_there_keeps_its_mode_and_its_files_are_the_owners(tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    (tmp_path / "day").chmod(0o750)
    folder = new_run_folder(tmp_path / "day", "case", STARTED)
    (folder.path / ".a.csv.part").write_text("left behind", encoding="utf-8")
    (folder.path / ".a.csv.part").chmod(0o644)
    folder.write("a.csv", "x\n")
    assert (mode(folder.path), mode(folder.path / "a.csv")) == (0o750, 0o600)
    assert (folder.path / "a.csv").read_text(encoding="utf-8") == "x\n"


def test_a_run_keeps_what_was_run_and_keeps_it_to_its_owner(tmp_path: Path) -> None:
    scenario = with_overrides(load_scenario("two_vpp"), {"market.satisfaction": 0.7, "network.delay_s": 0.1})
    report_of(scenario, tmp_path / "day")
    kept = load_scenario(tmp_path / "day" / "scenario")
    assert (kept.digest, kept.name, kept.whole) == (scenario.digest, "two_vpp", True)
    assert manifest(tmp_path / "day")["scenario_digest"] == kept.digest
    private = [tmp_path / "day" / "scenario", *(tmp_path / "day" / "scenario").iterdir()]
    assert [mode(path) for path in private] == [0o700, *[0o600] * 3]


def test_the_scenario_is_there_before_the_run_begins_and_stays_when_it_breaks(tmp_path: Path) -> None:
    """With plants where the run has them, else without; and a run that is taken up keeps what it has."""
    seen: list[str] = []

    def breaks(scenario: Scenario, seed: int, path: Path, on_progress: OnProgress) -> NoReturn:
        seen.append(load_scenario(path / "scenario").digest)
        raise RunError("the power failed")

    whole = load_scenario("two_vpp")
    for scenario in (whole, public_part(whole)):
        path = tmp_path / str(len(scenario.vpps))
        path.mkdir()
        for _ in range(2):
            with pytest.raises(RunError, match="the power failed"):
                run_day(RunSpec(scenario, 0, False, STARTED), breaks, RunFolder(path), lambda progress: None, 0.0)
        kept = load_scenario(path / "scenario")
        assert [vpp.id for vpp in kept.vpps] == [vpp.id for vpp in scenario.vpps]
    assert seen == [whole.digest] * 4


def test_a_scenario_that_cannot_be_kept_breaks_the_run_before_it_begins(tmp_path: Path) -> None:
    (tmp_path / "scenario").write_text("in the way", encoding="utf-8")
    what = RunSpec(load_scenario("two_vpp"), 0, True, STARTED)
    with pytest.raises(ScenarioError, match="the folder must be one of our own; got not a directory"):
        run_day(what, run_in_process, RunFolder(tmp_path), lambda progress: None, 0.0)
    assert manifest(tmp_path)["verdict"] == "aborted"


def test_a_run_of_a_folder_with_an_odd_name_is_written(tmp_path: Path) -> None:
    odd = replace(load_scenario("two_vpp"), name=os.fsdecode(b"caf\xe9"))
    report_of(odd, tmp_path / "day")
    assert manifest(tmp_path / "day")["verdict"] == "equilibrium"
    assert load_scenario(tmp_path / "day" / "scenario").name == "caf?"
