"""Claims: every number of a scenario can be written with a unit of its kind, in the file and by --set, under its
name with or without the unit; and means the same. Another kind of unit is one fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from market.errors import ScenarioError
from market.model.currency import spoken_name
from market.model.parameter import unit_in_name
from market.model.units import BadUnit, in_unit, is_known
from market.scenario import load_scenario, scenario_schema, with_overrides
from market.scenario.as_fields import long_fields
from market.scenario.catalogue import Entry, catalogue
from market.scenario.plausibility import plausibility_notes
from market.scenario.scale_notes import scale_notes
from market.scenario.scenario import Scenario
from tests.market.real_days import RealDay
from tests.market.scenario_files import FULL_FILES, FULL_YAML, write_files

OTHER_UNITS = {
    "MW": ("kW", 1e3),
    "MWh": ("kWh", 1e3),
    "h": ("min", 60.0),
    "s": ("ms", 1e3),
    "t CO2": ("kg", 1e3),
    "t CO2/MWh": ("g/kWh", 1e3),
    "MW/h": ("kW/min", 1e3 / 60),
    "CNY/MWh": ("ct/kWh", 0.1),
    "CNY/t": ("ct/kg", 0.1),
    "CNY/MW": ("ct/kW", 0.1),
    "CNY/h": ("ct/min", 100 / 60),
    "CNY/(MW² h)": ("ct/(kW² h)", 1e-4),
    "CNY/MWh per MW": ("CNY/MWh per kW", 1e-3),
    "bit/s": ("kbit/s", 1e-3),
    "share": ("%", 100.0),
    "share/h": ("%/h", 100.0),
    "CNY": ("ct", 100.0),
}
WITH_UNITS = [entry for entry in catalogue() if is_known(entry.parameter.unit)]


def value_for(entry: Entry) -> float:
    """A number that is within all bounds."""
    low = entry.parameter.gt if entry.parameter.ge is None else entry.parameter.ge
    high = entry.parameter.lt if entry.parameter.le is None else entry.parameter.le
    assert low is not None
    top = 4.0 if high is None else min(high, max(4.0, 2 * low))
    return max(low, 0.0) + 0.75 * (top - max(low, 0.0))


@pytest.mark.parametrize(
    ("text", "unit", "wanted"),
    [
        ("40 MW", "MW", 40.0),
        ("11kW", "MW", 0.011),
        ("2.5e3 W", "MW", 0.0025),
        ("60 CNY/MWh", "CNY/MWh", 60.0),
        ("15 ct/kWh", "CNY/MWh", 150.0),
        ("0.3 CNY/kWh", "CNY/MWh", 300.0),
        ("0.3 ¥/kWh", "CNY/MWh", 300.0),
        ("450 g/kWh", "t CO2/MWh", 0.45),
        ("0.5 t CO2/MWh", "t CO2/MWh", 0.5),
        ("0.5 tCO2/MWh", "t CO2/MWh", 0.5),
        ("90 min", "h", 1.5),
        ("2 d", "h", 48.0),
        ("50 ms", "s", 0.05),
        ("50 kW/min", "MW/h", 3.0),
        ("-3 kWh", "MWh", -0.003),
        ("12 %", "share", 0.12),
        ("90 CNY/(MW² h)", "CNY/(MW² h)", 90.0),
        ("90 CNY/MW2/h", "CNY/(MW² h)", 90.0),
    ],
)
def test_a_value_means_the_same_in_its_field(text: str, unit: str, wanted: float) -> None:
    assert in_unit(text, unit) == pytest.approx(wanted, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "unit", "said"),
    [
        ("40 MWh", "MW", "must be in MW, or another unit of the same kind"),
        ("40 mw", "MW", "did you mean MW?"),
        ("40 horses", "MW", "must be a known unit"),
        ("20 CNY/MW2h", "CNY/(MW2 h)", "did you mean CNY/(MW2 h)?"),
        ("20 CNY/(MW²h)", "CNY/(MW2 h)", "did you mean CNY/(MW² h)?"),
        ("1,5 MW", "MW", "write a point as the decimal mark"),
        ("1.200.000 MW", "MW", "must be a number"),
        ("60 USD/MWh", "CNY/MWh", "must be in the scenario's currency, CNY"),
        ("60", "CNY/MWh", "must have a unit"),
        ("60 /MWh", "CNY/MWh", "must have a unit"),
        ("MW", "MW", "must be a number, or a number with its unit"),
    ],
)
def test_what_is_no_such_value_is_refused(text: str, unit: str, said: str) -> None:
    with pytest.raises(BadUnit, match=None) as caught:
        in_unit(text, unit)
    assert said in str(caught.value)


def test_a_wrong_unit_is_one_fault_wherever_it_stands(tmp_path: Path) -> None:
    horizon = "horizon: {periods: 3, step: 1h}"
    series = "series: {retail: 500 CNY/MWh, feed_in: 300 CNY/MWh, A_load: 2 MW, B_load: 1 MW}"
    turbine = "{id: G, kind: mt, p_max: 1 MW, cost_b: 90 CNY/MWh, cost_a: 20 CNY/MW2h}"
    text = f"{horizon}\n{series}\nvpps:\n  - {{id: A}}\n  - {{id: B, units: [{turbine}]}}\n"
    with pytest.raises(ScenarioError) as caught:
        load_scenario(write_files(tmp_path / "day", {"scenario.yaml": text}))
    (fault,) = caught.value.faults
    assert "did you mean CNY/(MW2 h)?" in str(fault)


def test_every_number_but_counts_takes_a_unit() -> None:
    counted = {entry.parameter.unit for entry in catalogue() if entry.parameter.unit and entry not in WITH_UNITS}
    assert counted >= {"periods", "offers", "rounds", "steps", "pieces", "1"}
    assert all(
        unit in ("1", "number") or (unit.isalpha() and unit.islower() and unit.endswith("s")) for unit in counted
    )
    assert {entry.parameter.unit for entry in WITH_UNITS} == set(OTHER_UNITS)


TAKEN = {"network.compute", "vpps.North.mt.curve"}
"""Names without a unit that are those of other fields, or of several."""


def paths(entry: Entry) -> list[str]:
    """Where a parameter stands in the full scenario, under each of its names."""
    path = entry.path.replace(".ID.", ".North.")
    bare = path.removesuffix(f"_{unit_in_name(entry.parameter.unit)}")
    return [path] if bare in (path, *TAKEN) else [path, bare]


@pytest.mark.parametrize("entry", WITH_UNITS, ids=lambda entry: str(entry.path))
def test_every_field_takes_a_unit_by_set(entry: Entry, tmp_path: Path) -> None:
    full = load_scenario(write_files(tmp_path / "full", {**FULL_FILES}))
    other, per = OTHER_UNITS[entry.parameter.unit]
    number = value_for(entry)
    if entry.path in ("horizon.period_h", "network.reordering", "network.reordering_s"):
        return  # tied to others; the file's test has them
    shown = f"{number * per!r} {other}"
    for path in paths(entry):
        told, plain = outcome(full, path, shown), outcome(full, paths(entry)[0], number)
        assert told == (pytest.approx(plain, rel=1e-12) if isinstance(plain, dict) else plain), path


def outcome(full: Scenario, path: str, value: object) -> dict[str, float] | list[str]:
    """Every number of a changed scenario; or, where a rule between fields is broken, which."""
    try:
        return flat_of(with_overrides(full, {path: value}))
    except ScenarioError as error:
        return [fault.rule for fault in error.faults]


def flat(value: Any, name: str = "") -> dict[str, float]:
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in flat(item, f"{name}.{key}").items()}
    if isinstance(value, list):
        return {k: v for at, item in enumerate(value) for k, v in flat(item, f"{name}[{at}]").items()}
    return {name: float(value)} if isinstance(value, int | float) else {}


def spoken(value: Any, parameters: dict[str, Any], currency: str, *, bare: bool) -> Any:
    """Fields with units behind the values: by their own names, or by those without a unit."""
    if isinstance(value, list):
        return [spoken(item, parameters, currency, bare=bare) for item in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for name, item in value.items():
        unit = parameters.get(name, "")
        if unit in OTHER_UNITS and isinstance(item, int | float) and not isinstance(item, bool):
            other, per = OTHER_UNITS[unit]
            ending = f"_{unit_in_name(unit)}"
            told = name.removesuffix(ending) if bare else spoken_name(name, currency)
            made[told] = f"{item * per!r} {other.replace('CNY', currency)}"
        else:
            made[name] = spoken(item, parameters, currency, bare=bare)
    return made


def test_a_sign_that_two_currencies_share_is_that_of_the_scenario() -> None:
    assert in_unit("30 ¥/kWh", "CNY/MWh", "JPY") == 30_000.0
    assert in_unit("30 ¥/kWh", "CNY/MWh", "CNY") == 30_000.0
    with pytest.raises(BadUnit, match="must be in the scenario's currency, EUR"):
        in_unit("30 ¥/kWh", "CNY/MWh", "EUR")


@pytest.mark.parametrize("bare", [True, False])
@pytest.mark.parametrize("currency", ["CNY", "EUR"])
def test_a_whole_file_written_with_units_is_the_same_scenario(currency: str, bare: bool, tmp_path: Path) -> None:
    plain: dict[str, Any] = yaml.safe_load(FULL_YAML.replace("1e-5", "1.0e-5"))
    parameters = {entry.name: entry.parameter.unit for entry in catalogue()}
    told = {"currency": currency, **spoken(plain, parameters, currency, bare=bare)}
    text = yaml.safe_dump(told, allow_unicode=True)
    files = {**FULL_FILES, "scenario.yaml": text}
    files = {n: t.replace("_cny_", f"_{currency.lower()}_") if n.endswith(".csv") else t for n, t in files.items()}
    one = load_scenario(write_files(tmp_path / "told", files))
    other = load_scenario(write_files(tmp_path / "plain", {**FULL_FILES}))
    assert one.public.currency == currency
    ours, theirs = flat_of(one), flat_of(other)
    assert ours == pytest.approx(theirs, rel=1e-12)
    jsonschema.Draft202012Validator(scenario_schema()).validate(yaml.safe_load(text))


def flat_of(scenario: Scenario) -> dict[str, float]:
    return flat(long_fields(scenario))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "energy_mwh: 3.1",
            "energy_mwh: 3.1 MW",
            "must be in MWh, or another unit of the same kind; got '3.1 MW'",
        ),
        ("energy_mwh: 3.1", "energy: 3.1", "must have its unit, since the name of the field has none; got 3.1"),
        ("energy_mwh: 3.1", "energy: 3.1 MWh\n      energy_mwh: 3", "must be given only once"),
        ("energy_mwh: 3.1", "energy: -3.1 MWh", "must be a number >= 0"),
        ("wear_cny_per_mwh: 33", "wear: 33 EUR/MWh", "must be in the scenario's currency, CNY"),
        ("wear_cny_per_mwh: 33", "wear_eur_per_mwh: 33", "must be a known field"),
        ("wear_cny_per_mwh: 33", "wear_cny_per_mwh: 33 CNY", "write it like 60 CNY/MWh"),
        ("period_h: 0.5", "period_h: 30 mn", "must be a known unit; got 'mn'"),
    ],
)
def test_a_wrong_unit_is_one_fault_at_its_place(old: str, new: str, said: str, tmp_path: Path) -> None:
    files = {**FULL_FILES, "scenario.yaml": FULL_YAML.replace(old, new)}
    with pytest.raises(ScenarioError) as caught:
        load_scenario(write_files(tmp_path / "broken", files))
    assert len(caught.value.faults) == 1, caught.value
    assert said in str(caught.value)
    text = files["scenario.yaml"]
    line = text.count("\n", 0, text.index(new.split("\n")[-1])) + 1
    assert str(caught.value).startswith(f"scenario.yaml:{line} ")


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (RealDay(power_unit="MW", per_mw=1e3), "a load should be that of a VPP"),
        (RealDay(power_unit="MW", per_mw=1e3), "the parts of a plant should be of like size"),
        (RealDay(price_unit="EUR/MWh", per_price=1e-3), "the grid's price should be one of a MWh"),
    ],
)
def test_wrong_scales_are_noticed(day: RealDay, said: str, tmp_path: Path) -> None:
    """kW in columns of MW, and EUR/kWh as EUR/MWh."""
    files = day.files()
    if day.per_price < 1:
        cheap = files["scenario.yaml"].replace("add: 120", "add: 0.12").replace("add: -5", "add: 0")
        files["scenario.yaml"] = cheap
    notes = [str(note) for note in plausibility_notes(load_scenario(write_files(tmp_path / "day", files)))]
    assert any(said in note for note in notes), notes
    assert "CNY" not in "".join(notes)


SPOKEN = """\
currency: EUR
horizon: {periods: 24, period_h: 1}
series: {retail: 300 EUR/MWh, feed_in: 80 EUR/MWh, A_load: 300 kW, A_sun: 900 kW, B_load: 200 kW,
  own_retail: 250 EUR/MWh, own_feed_in: 70 EUR/MWh}
market: {price_min: 1 EUR/MWh, price_max: 400 EUR/MWh, choice_temperature: 5 EUR/MWh}
carbon: {base_price: 60 EUR/t}
vpps:
  - id: A
    exchange: {peak_charge: 10 EUR/MW}
    units:
      - {kind: pv, id: sun, om_cost: 0 EUR/MWh}
      - {kind: ess, id: bat, energy: 1 MWh, charge_max: 500 kW, discharge_max: 500 kW, wear: 5 EUR/MWh}
      - {kind: ev, id: car, energy: 40 kWh, power_max: 11 kW, arrival: 2 h, departure: 9 h}
  - {id: B, tariff: own}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("A_sun: 900 kW", "A_sun: 900 MW", "A units.sun: a unit should fit its load; got up to 900 MW"),
        ("discharge_max: 500 kW", "discharge_max: 500 MW", "A units.bat: a unit should fit its load"),
        ("power_max: 11 kW", "power_max: 110 MW", "A units.car: a unit should fit its load"),
        ("feed_in: 80 EUR", "feed_in: 0.08 EUR", "column feed_in_eur_per_mwh: the grid's price should be one of"),
        (
            "own_retail: 250",
            "own_retail: 0.25",
            "column own_retail_eur_per_mwh: the grid's price should be one of",
        ),
        ("own_feed_in: 70", "own_feed_in: 0.07", "column own_feed_in_eur_per_mwh: the grid's price should be"),
        ("peak_charge: 10 EUR/MW", "peak_charge: 90 EUR/kW", "got 90,000 EUR/MW, more than a MW bought through"),
    ],
)
def test_wrong_scales_of_units_and_of_other_prices_are_noticed(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    """And nothing is noted of the same market with the right ones."""
    assert plausibility_notes(load_scenario(write_files(tmp_path / "right", {"scenario.yaml": SPOKEN}))) == ()
    changed = {"scenario.yaml": SPOKEN.replace(old, new, 1)}
    (note,) = plausibility_notes(load_scenario(write_files(tmp_path / "wrong", changed)))
    assert said in str(note)
    assert "CNY" not in str(note)


def test_days_of_a_right_scale_bring_no_note(tmp_path: Path) -> None:
    for name in ("five_vpp", "two_vpp", "flexible", "quarter_hours"):
        assert list(scale_notes(load_scenario(name))) == []
    assert list(plausibility_notes(load_scenario(RealDay().write(tmp_path / "day")))) == []
