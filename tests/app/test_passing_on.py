"""Claims: a plant may pass on what it takes, as far as the net through its connection allows, (M14), (M21), and
consensus finds that, however small the plant itself is, with a bound that is true."""

from __future__ import annotations

from pathlib import Path

import pytest

import market
from vpp_nodes.dispatch.joint import joint_dispatch

PRICES = "retail_cny_per_mwh,feed_in_cny_per_mwh,{0}_retail_cny_per_mwh,{0}_feed_in_cny_per_mwh"


def a_day(folder: Path, whose: str, own: tuple[float, float], wind_mw: float, load_mw: float, limits: str) -> Path:
    """One hour: the grid asks 500 and pays 50; one plant has a tariff of its own, (M14)."""
    head = f"period,{PRICES.format(whose)},A_load_mw,A_wt_mw,B_load_mw"
    row = f"1,500,50,{own[0]},{own[1]},0,{wind_mw},{load_mw}"
    of_a, of_b = (f", tariff: {vpp}{limits}" if whose == vpp else "" for vpp in "AB")
    folder.mkdir()
    (folder / "profiles.csv").write_text(f"{head}\n{row}\n", encoding="utf-8")
    (folder / "scenario.yaml").write_text(
        f"""horizon: {{periods: 1, period_h: 1.0}}
market: {{price_min_cny_per_mwh: 1, mechanism: consensus, consensus_regret: 1e-6}}
carbon: {{mode: flat, flat_price_cny_per_t: 0}}
vpps:
  - {{id: A, wt: {{om_cost_cny_per_mwh: 0}}{of_a}}}
  - {{id: B{of_b}}}
profiles: profiles.csv
""",
        encoding="utf-8",
    )
    return folder


CASES = {
    # A makes 1 and may buy at 100 as much as B needs: 4 MW at 100 in place of 5 MW at 500, and 1 MW for 50
    "a small plant serves a large load": ("A", (100, 50), 1.0, 5.0, "", 2500.0 - 50.0, 400.0),
    # the same through a connection by which no more than 1 MW may leave, net of what is bought
    "through a narrow connection": ("A", (100, 50), 1.0, 5.0, ", exchange: {export_max_mw: 1}", 2450.0, 400.0),
    # B is paid 300 where others are paid 50: it takes all 4 MW, uses 1 and sells 3, of which no more than 1.5 net
    "into a better price": ("B", (500, 300), 4.0, 1.0, ", exchange: {import_max_mw: 1.5}", 500.0 - 200.0, -900.0),
    # nobody can make or use a thing, but A buys at 100 what B sells at 50 to nobody: there is nothing to be had
    "where there is nothing": ("A", (100, 50), 0.0, 0.0, "", 0.0, 0.0),
}


@pytest.mark.parametrize("case", CASES)
def test_consensus_is_as_good_as_one_plan_for_all(case: str, tmp_path: Path) -> None:
    whose, own, wind_mw, load_mw, limits, alone_cny, together_cny = CASES[case]
    run = market.run(a_day(tmp_path / "day", whose, own, wind_mw, load_mw, limits))
    assert run.verdict == "equilibrium"
    costs = run.costs.set_index(["vpp", "scenario"]).total_cny
    assert costs["system", "grid_only"] == pytest.approx(alone_cny)
    assert joint_dispatch(run.scenario.vpps, run.scenario.public).total_cny == pytest.approx(
        together_cny, abs=1e-6
    )
    assert costs["system", "game"] == pytest.approx(together_cny, abs=1e-2)
    assert run.epsilon_cny < 1e-2
