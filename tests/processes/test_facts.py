"""Claims: facts F1 to F7 of the paper hold in the default case, read from the run folder alone."""

from __future__ import annotations

from pathlib import Path

from tests.processes.command import rows


def roles(folder: Path, period: int) -> dict[str, str]:
    return {row["vpp"]: row["role"] for row in rows(folder, "roles") if row["period"] == str(period)}


def sellers(folder: Path, period: int) -> set[str]:
    return {vpp for vpp, role in roles(folder, period).items() if role == "seller"}


def prices(folder: Path, period: int) -> dict[str, float]:
    table = rows(folder, "offers")
    return {row["vpp"]: float(row["price_cny_per_mwh"]) for row in table if row["period"] == str(period)}


def shares(folder: Path, period: int) -> dict[str, dict[str, float]]:
    """Selection probabilities: buyer, then seller."""
    found: dict[str, dict[str, float]] = {}
    for row in rows(folder, "selections"):
        if row["period"] == str(period):
            found.setdefault(row["buyer"], {})[row["seller"]] = float(row["probability"])
    return found


def day(folder: Path, vpp: str, column: str, stage: int = 1) -> dict[int, float]:
    table = rows(folder, "dispatch")
    return {
        int(row["period"]): float(row[column]) for row in table if row["vpp"] == vpp and row["stage"] == str(stage)
    }


def test_f1_at_2_the_night_wind_sells_alone_to_the_four_others(default_run: Path) -> None:
    assert sellers(default_run, 2) == {"VPP5"}
    bought = {
        row["buyer"]
        for row in rows(default_run, "selections")
        if row["period"] == "2" and float(row["delivered_mw"]) > 0
    }
    assert bought == {"VPP1", "VPP2", "VPP3", "VPP4"}


def test_f2_at_12_the_two_large_pv_plants_sell(default_run: Path) -> None:
    assert sellers(default_run, 12) == {"VPP1", "VPP3"}


def test_f3_at_18_all_five_buy_and_only_the_grid_sells(default_run: Path) -> None:
    assert set(roles(default_run, 18).values()) == {"buyer"}
    verdicts = {row["period"]: row["verdict"] for row in rows(default_run, "periods")}
    assert verdicts["18"] == "no_trade"
    after = [row for row in rows(default_run, "dispatch") if row["stage"] == "3" and row["period"] == "18"]
    assert all(float(row["direct_in_mw"]) == 0.0 for row in after)
    assert all(float(row["buy_mw"]) > 0.0 for row in after)


def test_f4_at_10_the_cheaper_seller_is_chosen_less(default_run: Path) -> None:
    price = prices(default_run, 10)
    assert set(price) == {"VPP1", "VPP4"}
    assert price["VPP1"] < price["VPP4"]
    for share in shares(default_run, 10).values():
        assert share["VPP1"] < share["VPP4"]
        assert abs(share["VPP1"] - 0.4819) < 0.01  # the published 0.4819 and 0.5181, to 0.01


def test_f5_the_cheapest_seller_is_not_the_most_chosen(default_run: Path) -> None:
    for period in (10, 12, 14, 16):
        price = prices(default_run, period)
        cheapest = min(price, key=price.__getitem__)
        for share in shares(default_run, period).values():
            assert max(share, key=share.__getitem__) != cheapest, period


def test_f6_at_3_several_sell_and_probabilities_converge_quickly(default_run: Path) -> None:
    assert len(sellers(default_run, 3)) >= 2
    path = [
        (int(row["round"]), float(row["value"]), float(row["residual"]))
        for row in rows(default_run, "trace")
        if row["quantity"] == "evolution" and row["period"] == "3"
    ]
    last = {step: max(r for n, _, r in path if n == step) for step, _, _ in path}
    assert last[1] > 0
    assert all(residual < 1e-3 for step, residual in last.items() if step > 15)


def test_f7_the_pv_plant_has_its_surplus_by_day_and_sheds_little_load_then(default_run: Path) -> None:
    selling = {
        int(row["period"])
        for row in rows(default_run, "roles")
        if row["vpp"] == "VPP1" and row["role"] == "seller"
    }
    assert selling
    assert selling <= set(range(7, 18))
    shed = day(default_run, "VPP1", "cl_mw")
    by_day = sum(shed[t] for t in range(7, 18))
    assert by_day < 0.25 * sum(shed.values())


def test_f7_the_wind_plant_charges_at_night_in_three_periods(default_run: Path) -> None:
    charging = {period for period, power in day(default_run, "VPP5", "charge_mw").items() if power > 1e-9}
    assert len(charging) == 3
    assert charging <= {1, 2, 3, 4, 5, 6, 23, 24}
