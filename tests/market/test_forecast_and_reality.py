"""Claims: a scenario says what is expected and what becomes of it, in profiles, in series, or by a simple model;
it is written and read back the same; and each way of saying it wrongly is one clear fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from market.errors import ScenarioError
from market.model.arrays import Array
from market.model.imbalance import ImbalancePricing
from market.model.reality import as_realised, has_reality, realised_of
from market.model.vpp import Vpp
from market.scenario import load_scenario, write_scenario
from market.scenario.scenario import Scenario
from tests.market.real_days import RealDay, changed, moments, power_mw
from tests.market.scenario_files import MINIMAL_FILES, write_files

YAML, CSV = "scenario.yaml", "profiles.csv"
REAL: Mapping[str, str] = {
    YAML: """\
horizon: {periods: 2}
imbalance: {short_premium: 0.3}
vpps:
  - id: A
    pv: {}
    units:
      - {kind: wt, id: Tower}
      - {kind: must_run, id: Waste}
  - id: B
""",
    CSV: """\
period,retail_cny_per_mwh,feed_in_cny_per_mwh,A_load_mw,A_load_realised_mw,A_pv_mw,A_pv_realised_mw,A_Tower_mw,\
A_Tower_realised_mw,A_Waste_mw,B_load_mw
1,400,300,1,1.5,0,0,2,1,0.25,2
2,700,300,1,0.5,2,1,2,3,0.25,2
""",
}


def load(tmp_path: Path, files: Mapping[str, str]) -> Scenario:
    return load_scenario(write_files(tmp_path / "day", files))


def test_profiles_tell_what_becomes_of_each_power(tmp_path: Path) -> None:
    scenario = load(tmp_path, REAL)
    rules = scenario.public.imbalance
    assert rules is not None
    assert (rules.short_premium, rules.long_discount, rules.pricing) == (0.3, 0.2, ImbalancePricing.DUAL)
    plant = scenario.vpp("A")
    real = as_realised(plant)
    assert has_reality(plant)
    assert not has_reality(real)
    assert real.load_mw.tolist() == [1.5, 0.5]
    assert real.pv is not None
    assert real.pv.forecast_mw.tolist() == [0.0, 1.0]
    tower, waste = real.units
    assert tower.asset.forecast_mw.tolist() == [1.0, 3.0]  # type: ignore[union-attr]
    assert waste.asset is plant.units[1].asset
    assert not has_reality(scenario.vpp("B"))


def test_it_is_written_and_read_back_the_same(tmp_path: Path) -> None:
    prices = REAL[CSV].replace("feed_in_cny_per_mwh", "feed_in_cny_per_mwh,imbalance_long_cny_per_mwh", 1)
    prices = prices.replace("1,400,300", "1,400,300,299.5").replace("2,700,300", "2,700,300,-12")
    for name, files in {"plain": REAL, "with prices": {**REAL, CSV: prices}}.items():
        scenario = load_scenario(write_files(tmp_path / name, files))
        write_scenario(scenario, tmp_path / f"{name} again")
        again = load_scenario(tmp_path / f"{name} again")
        assert (again.public.digest, again.plant_digests) == (scenario.public.digest, scenario.plant_digests)
        assert again.with_({}).public.digest == scenario.public.digest


def test_what_is_realised_counts_in_digests_and_its_absence_does_not(tmp_path: Path) -> None:
    without = {YAML: REAL[YAML].replace("imbalance: {short_premium: 0.3}\n", ""), CSV: without_reality(REAL[CSV])}
    plain = load(tmp_path, without)
    real = load_scenario(write_files(tmp_path / "real", REAL))
    assert plain.public.imbalance is None
    assert plain.digest_by_vpp["B"] == real.digest_by_vpp["B"]
    assert plain.digest_by_vpp["A"] != real.digest_by_vpp["A"]
    assert plain.public.digest != real.public.digest
    assert load_scenario("five_vpp").public.imbalance is None


def without_reality(csv: str) -> str:
    """A file of profiles without the columns of reality."""
    rows = [row.split(",") for row in csv.splitlines()]
    kept = [at for at, name in enumerate(rows[0]) if "realised" not in name]
    return "\n".join(",".join(row[at] for at in kept) for row in rows) + "\n"


def test_reality_without_a_word_on_imbalance_is_settled_by_the_defaults(tmp_path: Path) -> None:
    rules = load(
        tmp_path, {**REAL, YAML: REAL[YAML].replace("imbalance: {short_premium: 0.3}\n", "")}
    ).public.imbalance
    assert rules is not None
    assert rules.short_premium == 0.2


def day(tmp_path: Path, **more: str) -> Scenario:
    """The real day with passages of its file in place of others."""
    files = RealDay().files()
    for old, new in more.items():
        files = changed(files, YAML, *((f"{old}: {{column: {old}}}", new)))
    return load(tmp_path, files)


def expected(column: str, share: float = 1.0, days: int = 0) -> list[float]:
    when = moments(f"2016-06-{15 + days}", "Europe/Berlin", 1, 15)
    return [power_mw(column, each) * share for each in when]


def realised(vpp: Vpp) -> Array:
    assert vpp.pv is not None
    assert vpp.pv.realised_mw is not None
    return vpp.pv.realised_mw


WAYS = {
    "another column": ("Farm_pv: {column: Farm_pv, realised: {column: Town_load}}", "Town_load", 1.0),
    "another file": ("Farm_pv: {column: Farm_pv, realised: actual.csv}", "Farm_pv", 0.5),
    "another file and scale": (
        "Farm_pv: {column: Farm_pv, realised: {file: actual.csv, scale: 3}}",
        "Farm_pv",
        1.5,
    ),
    "of the series it is made of": (
        "Farm_pv: {series: shape, scale: 2}\n  shape: {column: Farm_pv, realised: actual.csv}",
        "Farm_pv",
        1.0,
    ),
    "of one part of a sum": (
        "Farm_pv: [{column: Farm_pv, realised: actual.csv}, {column: Farm_pv}]",
        "Farm_pv",
        1.5,
    ),
    "a series of its own": (
        "Farm_pv: {column: Farm_pv}\n  Farm_pv_realised: {column: Farm_pv, scale: 0.25}",
        "Farm_pv",
        0.25,
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_series_say_what_becomes_of_them(way: str, tmp_path: Path) -> None:
    text, column, share = WAYS[way]
    files = changed(RealDay().files(), YAML, "Farm_pv: {column: Farm_pv}", text)
    half = RealDay(per_mw=500.0)
    scenario = load(tmp_path, {**files, "actual.csv": half.meter()})
    assert realised(scenario.vpp("Farm")) == pytest.approx(expected(column, share), rel=1e-12)
    assert scenario.vpp("Farm").realised_load_mw is None
    assert "Farm_pv_realised_mw" in scenario.sources
    assert scenario.public.imbalance is not None


def three_days() -> dict[str, str]:
    """The real day in files that go a day back and a day on."""
    files = RealDay(start="2016-06-14", days=3).files()
    return changed(files, YAML, "start: 2016-06-14, days: 3", "start: 2016-06-15, days: 1")


def test_yesterday_is_the_forecast_of_persistence(tmp_path: Path) -> None:
    files = three_days()
    scenario = load(tmp_path, {**files, YAML: files[YAML] + "forecast: {model: persistence}\n"})
    farm = scenario.vpp("Farm")
    assert farm.pv is not None
    assert farm.pv.forecast_mw == pytest.approx(expected("Farm_pv", days=-1), rel=1e-12)
    assert realised(farm) == pytest.approx(expected("Farm_pv"), rel=1e-12)
    assert farm.load_mw == pytest.approx(expected("Farm_load", days=-1), rel=1e-12)
    plain = load_scenario(write_files(tmp_path / "plain", files))
    prices = scenario.public.tariff.retail_cny_per_mwh
    assert np.array_equal(prices, plain.public.tariff.retail_cny_per_mwh)


def test_noise_makes_the_half_that_is_not_given(tmp_path: Path) -> None:
    noise = "forecast: {model: noise, noise_share: 0.2, noise_seed: 5, given: %s}\n"
    plain = load(tmp_path, MINIMAL_FILES).vpp("A")
    made = {
        given: load_scenario(
            write_files(tmp_path / given, {**MINIMAL_FILES, YAML: MINIMAL_FILES[YAML] + noise % given})
        ).vpp("A")
        for given in ("reality", "forecast")
    }
    assert made["forecast"].load_mw.tolist() == plain.load_mw.tolist()
    assert made["reality"].realised_load_mw is not None
    assert made["forecast"].realised_load_mw is not None
    assert made["reality"].realised_load_mw.tolist() == plain.load_mw.tolist()
    assert made["reality"].load_mw.tolist() == made["forecast"].realised_load_mw.tolist()
    assert made["reality"].load_mw.tolist() != plain.load_mw.tolist()


def test_what_is_realised_already_is_left_alone_by_noise(tmp_path: Path) -> None:
    text = REAL[YAML] + "forecast: {model: noise, given: forecast}\n"
    plant = load(tmp_path, {**REAL, YAML: text}).vpp("A")
    assert plant.realised_load_mw is not None
    assert plant.realised_load_mw.tolist() == [1.5, 0.5]
    waste = realised_of(plant.units[1])
    assert waste is not None
    assert waste.tolist() != [0.25, 0.25]


def test_a_scenario_may_be_changed_to_another_noise() -> None:
    plain = load_scenario("two_vpp")
    noise = {"forecast.model": "noise", "forecast.given": "forecast"}
    one, two = (plain.with_({**noise, "forecast.noise_seed": seed}) for seed in (1, 2))
    assert one.public.digest == two.public.digest
    assert one.plant_digests != two.plant_digests
    again = two.with_({**noise, "forecast.noise_seed": 1})
    assert again.digest == one.digest
    assert one.with_({"imbalance.pricing": "single"}).plant_digests == one.plant_digests
    perfect = one.with_({"forecast.model": "perfect", "forecast.given": "forecast"})
    assert perfect.plant_digests == plain.plant_digests
    with pytest.raises(ScenarioError, match="have no day before"):
        plain.with_({"forecast.model": "persistence"})


@dataclass(frozen=True)
class Case:
    """What is broken, and the words that have to be in the one fault that is told."""

    files: Mapping[str, str]
    words: tuple[str, ...]


def csv(old: str, new: str, *words: str) -> Case:
    return Case(changed(dict(REAL), CSV, old, new), words)


def yaml(old: str, new: str, *words: str) -> Case:
    return Case(changed(dict(REAL), YAML, old, new), words)


def series(text: str, *words: str, actual: str | None = None) -> Case:
    files = changed(RealDay().files(), YAML, "Farm_pv: {column: Farm_pv}", text)
    return Case({**files, "actual.csv": RealDay().meter() if actual is None else actual}, words)


def with_prices(side: str, first: str, second: str, *words: str) -> Case:
    rows = REAL[CSV].splitlines()
    added = (f"imbalance_{side}_cny_per_mwh", first, second)
    text = "\n".join(f"{row},{cell}" for row, cell in zip(rows, added, strict=True)) + "\n"
    return Case({**REAL, CSV: text}, words)


SHORTER = "\n".join(RealDay().meter().splitlines()[:60]) + "\n"
CASES = {
    "negative reality": csv("1,400,300,1,1.5", "1,400,300,1,-1.5", "A_load_realised_mw", "from 0", "-1.5"),
    "reality that is no number": csv("1,400,300,1,1.5", "1,400,300,1,x", "A_load_realised_mw", "'x'"),
    "an empty cell of reality": csv("1,400,300,1,1.5", "1,400,300,1,", "A_load_realised_mw", "an empty cell"),
    "reality of nobody": csv("A_load_realised_mw", "C_load_realised_mw", "C_load_realised_mw", "calls for"),
    "reality of a plant that is not there": csv("A_pv_realised_mw", "A_wt_realised_mw", "A_wt_realised_mw"),
    "reality of a price": csv("A_pv_realised_mw", "retail_realised_cny_per_mwh", "retail_realised_cny_per_mwh"),
    "short below retail": with_prices(
        "short", "399", "700", "must not be below the highest", "400", "399 in period 1"
    ),
    "long above feed-in": with_prices(
        "long", "300", "301", "must not be above the lowest", "300", "301 in period 2"
    ),
    "two prices below": with_prices("short", "1", "2", "1 in period 1, and in 1 more"),
    "a price of imbalance that is none": with_prices(
        "long", "a lot", "0", "imbalance_long_cny_per_mwh", "'a lot'"
    ),
    "premium below 0": yaml(
        "short_premium: 0.3", "short_premium: -0.1", "imbalance.short_premium", ">= 0", "-0.1"
    ),
    "discount below 0": yaml("short_premium: 0.3", "long_discount: -1", "imbalance.long_discount", ">= 0"),
    "premium that is no number": yaml(
        "short_premium: 0.3", "short_premium: high", "imbalance.short_premium", "'high'"
    ),
    "missed cheaper than short": yaml("short_premium: 0.3", "missed_multiple: 0.5", "missed_multiple", ">= 1"),
    "pricing that there is not": yaml(
        "short_premium: 0.3", "pricing: triple", "imbalance.pricing", "single", "triple"
    ),
    "a field that there is not": yaml("short_premium: 0.3", "short_premum: 1", "short_premum", "short_premium"),
    "model that there is not": yaml("imbalance", "forecast: {model: guess}\nimbalance", "forecast.model", "guess"),
    "share below 0": yaml("imbalance", "forecast: {noise_share: -1}\nimbalance", "forecast.noise_share", ">= 0"),
    "correlation of one": yaml(
        "imbalance", "forecast: {noise_correlation: 1}\nimbalance", "noise_correlation", "<="
    ),
    "seed below 0": yaml("imbalance", "forecast: {noise_seed: -4}\nimbalance", "forecast.noise_seed", ">= 0"),
    "persistence without times": yaml(
        "imbalance", "forecast: {model: persistence}\nimbalance", "forecast.model", "must have a day before"
    ),
    "realised of other length": series(
        "Farm_pv: {column: Farm_pv, realised: actual.csv}", "have no gaps", "actual.csv", actual=SHORTER
    ),
    "realised in another unit": series(
        "Farm_pv: {column: Farm_pv, realised: {column: Town_load, unit: EUR/MWh}}", "must be in MW", "Farm_pv"
    ),
    "realised below 0": series(
        "Farm_pv: {column: Farm_pv, realised: {column: Town_load, scale: -1}}", "must be from 0", "clip"
    ),
    "realised of a file that is not there": series(
        "Farm_pv: {column: Farm_pv, realised: {file: gone.csv}}", "must be a file", "gone.csv"
    ),
    "realised of a column that is not there": series(
        "Farm_pv: {column: Farm_pv, realised: {column: Nobody}}", "must be a column of the file", "Nobody"
    ),
    "realised with a field that there is not": series(
        "Farm_pv: {column: Farm_pv, realised: {colum: Farm_pv}}", "colum", "column"
    ),
    "realised that is a number": series("Farm_pv: {column: Farm_pv, realised: 5}", "realised", "5"),
    "realised twice": series(
        "Farm_pv: {column: Farm_pv, realised: actual.csv}\n  Farm_pv_realised: {column: Farm_pv}",
        "must be given only once",
    ),
    "realised of a price series": Case(
        changed(RealDay().files(), YAML, "column: price,", "column: price, realised: prices.csv,"),
        ("that is for powers",),
    ),
    "persistence whose files begin with the day": Case(
        {**RealDay().files(), YAML: RealDay().yaml() + "forecast: {model: persistence}\n"},
        ("have no gaps", "2016-06-14T00:00"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_wrong_reality_is_one_clear_fault(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path, case.files)
    told = str(caught.value)
    assert len(caught.value.faults) <= 2, told
    for word in case.words:
        assert word in told, told
    fault = caught.value.faults[0]
    assert all((fault.rule, fault.value, fault.place, fault.remedy))


def test_a_tariff_of_somebodys_own_bounds_prices_too(tmp_path: Path) -> None:
    rows = without_reality(REAL[CSV]).splitlines()
    more = (
        "dear_retail_cny_per_mwh,dear_feed_in_cny_per_mwh,imbalance_short_cny_per_mwh",
        "450,300,420",
        "700,1,700",
    )
    text = "\n".join(f"{row},{cells}" for row, cells in zip(rows, more, strict=True)) + "\n"
    with pytest.raises(ScenarioError, match=r"tariff dear's highest price of its period, 450.*420 in period 1"):
        load(tmp_path, {YAML: REAL[YAML].replace("  - id: B", "  - id: B\n    tariff: dear"), CSV: text})


def test_a_unit_may_be_called_as_a_column_of_reality(tmp_path: Path) -> None:
    text = REAL[YAML].replace("{kind: must_run, id: Waste}", "{kind: wt, id: Tower_realised}")
    rows = REAL[CSV].replace(",A_Waste_mw", "").replace(",0.25", "")
    plant = load(tmp_path, {YAML: text, CSV: rows}).vpp("A")
    assert plant.units[1].asset.forecast_mw.tolist() == [1.0, 3.0]  # type: ignore[union-attr]
    assert realised_of(plant.units[0]) is None
