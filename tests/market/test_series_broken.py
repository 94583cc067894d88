"""Claims: each wrong series, horizon, unit or currency is one clear fault: rule, value, place, remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from market.errors import Fault, ScenarioError
from market.scenario import load_scenario
from tests.market.real_days import RealDay, changed
from tests.market.scenario_files import write_files

YAML, METER, PRICES = "scenario.yaml", "meter.csv", "prices.csv"
DAY = RealDay().files()
FALL = RealDay(start="2016-10-30").files()
SPRING = RealDay(start="2016-03-27").files()
UNIT = "  - id: Town"


@dataclass(frozen=True)
class Case:
    """What is broken, and what has to be told of it; each of the words in the whole message."""

    files: Mapping[str, str]
    words: tuple[str, ...]
    place: str


def yaml(old: str, new: str, place: str, *words: str) -> Case:
    return Case(changed(DAY, YAML, old, new), words, place)


def meter(old: str, new: str, place: str, *words: str) -> Case:
    return Case(changed(DAY, METER, old, new), words, place)


def without(files: Mapping[str, str], *parts: str) -> dict[str, str]:
    """The meter's file without the rows that begin with one of these."""
    rows = files[METER].splitlines()
    return {**files, METER: "\n".join(row for row in rows if not row.startswith(parts)) + "\n"}


def twice(files: Mapping[str, str], part: str) -> dict[str, str]:
    rows = files[METER].splitlines()
    return {**files, METER: "\n".join(r for row in rows for r in ([row, row] if row.startswith(part) else [row]))}


def shuffled(files: Mapping[str, str]) -> dict[str, str]:
    """The third row before the first."""
    head, first, second, third, *others = files[METER].splitlines()
    return {**files, METER: "\n".join([head, third, first, second, *others])}


def once(files: Mapping[str, str]) -> dict[str, str]:
    """The hour that comes twice, only once."""
    rows = {row.split(",")[0]: row for row in reversed(files[METER].splitlines())}
    return {**files, METER: "\n".join(reversed(rows.values())) + "\n"}


def later(files: Mapping[str, str]) -> dict[str, str]:
    """Times of ends where the file is taken to tell starts."""
    head, *rows = files[METER].splitlines()
    times = [*(row.split(",")[0] for row in rows[1:]), "2016-06-16 00:00"]
    moved = [",".join([time, *row.split(",")[1:]]) for time, row in zip(times, rows, strict=True)]
    return {**files, METER: "\n".join([head, *moved]) + "\n"}


semicolons = changed(DAY, YAML, "{column: Farm_load}", '{column: Farm_load, sep: ";"}')
semicolons = changed(semicolons, YAML, "{column: Farm_pv}", "0.3 MW")
semicolons = changed(semicolons, YAML, "{column: Town_load}", "0.3 MW")
CASES = {
    "unit of another kind": yaml("unit: kW", "unit: EUR/MWh", f"{YAML}:9 series.Farm_load", "must be in MW"),
    "unit that there is not": yaml(
        "unit: kW", "unit: kVA", f"{YAML}:9 series.Farm_load.unit", "known unit", "'kVA'"
    ),
    "no unit": yaml(", unit: kW", "", f"{YAML}:9 series.Farm_load.unit", "must say the unit", "add unit:"),
    "price in another currency": yaml(
        "unit: EUR/MWh", "unit: USD/MWh", f"{YAML}:6 series.spot.unit", "currency, EUR"
    ),
    "constant in a unit of another kind": yaml(
        "add: 120 EUR/MWh", "add: 120 EUR", f"{YAML}:7 series.retail.add", "same kind"
    ),
    "column absent": yaml("column: price", "column: prices", f"{YAML}:6 series.spot.column", "did you mean price"),
    "no column": yaml(
        ", column: price", "", f"{YAML}:6 series.spot.column", "must say which column", "time, price"
    ),
    "file absent": yaml("file: prices.csv", "file: price.csv", f"{YAML}:6 series.spot.file", "must be a file"),
    "file outside": yaml("file: prices.csv", "file: ../p.csv", f"{YAML}:6 series.spot.file", "root: ../shared"),
    "root absent": yaml(
        "file: prices.csv", "root: ../no, file: prices.csv", f"{YAML}:6 series.spot.root", "no such folder"
    ),
    "time column absent": yaml(
        "time: time, unit", "time: when, unit", f"{YAML}:9 series.Farm_load.time", "column of the file"
    ),
    "times in another form": meter(
        "2016-06-15 00:30", "15.06.2016 00:30", f"{METER}:4 column time", "ISO 8601", "time_format"
    ),
    "time_format that does not fit": yaml(
        "column: price",
        'column: price, time_format: "%d/%m/%Y"',
        f"{PRICES}:2 column time",
        "as time_format %d/%m/%Y",
    ),
    "missing hour": Case(
        without(DAY, "2016-06-15 05:"), ("have no gaps", "2016-06-15T05:00+02:00 (4 missing)", "gaps: hold"), METER
    ),
    "missing row": Case(without(DAY, "2016-06-15 05:15"), ("2016-06-15T05:15+02:00 (1 missing)",), METER),
    "hour that clocks repeat, once only": Case(once(FALL), ("2016-10-30T02:00+01:00 (4 missing)",), METER),
    "doubled hour": Case(
        twice(DAY, "2016-06-15 05:"), ("each time only once", "remove one"), f"{METER}:23 column time"
    ),
    "hour that clocks leap over": Case(
        changed(SPRING, METER, "2016-03-27 03:00", "2016-03-27 02:00"),
        ("the clocks of Europe/Berlin show", "they leap over", "tz: +01:00"),
        f"{METER}:10 column time",
    ),
    "rows not in order": Case(shuffled(DAY), ("in the order of time",), f"{METER}:3 column time"),
    "ends taken for starts": Case(later(DAY), ("have no gaps", "2016-06-15T00:00", "stamp: end"), METER),
    "starts taken for ends": yaml("column: price", "stamp: end, column: price", PRICES, "no gaps", "stamp: start"),
    "a time between the others": meter("2016-06-15 00:30", "2016-06-15 00:33", f"{METER}:4", "multiple of 15 min"),
    "mixed decimal marks": Case(
        {**semicolons, METER: DAY[METER].replace(",", ";").replace(".", ",", 1)},
        ("with '.' as decimal mark", "say decimal: ','", "like the others"),
        f"{METER}:2 column",
    ),
    "both decimal marks in a cell": Case(
        {
            **semicolons,
            METER: DAY[METER].replace(",", ";").replace("2016-06-15 00:00;", "2016-06-15 00:00;1,", 1),
        },
        ("as decimal mark", "thousands"),
        f"{METER}:2 column",
    ),
    "another mark between columns": Case(
        {**DAY, METER: DAY[METER].replace(",", ";")},
        ("must have a comma between its columns", 'say sep: ";"'),
        f"{METER}:1",
    ),
    "a word in a cell": meter(
        "2016-06-15 00:00,", "2016-06-15 00:00,about ", f"{METER}:2 column Farm_load", "leave units"
    ),
    "a unit in a cell": meter(
        "\n2016-06-15 00:15,", " kW\n2016-06-15 00:15,", f"{METER}:2 column Town_load", "leave units"
    ),
    "a row too short": meter(
        "\n2016-06-15 00:15,", "\n2016-06-15 00:10\n2016-06-15 00:15,", f"{METER}:3", "must have 4 cells"
    ),
    "an empty cell": meter("2016-06-15 00:00,", "2016-06-15 00:00,,", f"{METER}:2", "must have 4 cells"),
    "negative load": meter(
        "2016-06-15 00:00,", "2016-06-15 00:00,-", f"{YAML}:9 series.Farm_load", "clip: 1 kW", "period 1"
    ),
    "rows for another day": Case(
        {**DAY, METER: DAY[METER].replace("2016-06-15", "2016-07-15")}, ("have no gaps", "96 missing"), METER
    ),
    "columns by name where there is no header": yaml(
        "file: meter.csv, time: time, ", "file: meter.csv, header: false, ", YAML, "must be a column of the file"
    ),
    "too many rows without times": Case(
        {**changed(DAY, YAML, "time: time, unit", "unit"), METER: DAY[METER] + "2016-06-16 00:00,1,1,1\n"},
        ("a row for each of the 96 periods", "97 rows"),
        METER,
    ),
    "times without a start": yaml(
        "start: 2016-06-15, days: 1, step: 15min, tz: Europe/Berlin",
        "periods: 96, period_h: 0.25",
        f"{YAML}:6 series.spot.time",
        "must come with horizon.start",
    ),
    "hold onto longer periods": yaml(
        "step: 15min",
        "step: 2 h",
        f"{YAML}:6 series.spot.resample",
        "must not leave numbers out",
        "resample: mean",
    ),
    "sum of what is no energy": yaml("unit: kW", "resample: sum, unit: kW", f"{YAML}:9", "must be mean or hold"),
    "mean of energy": yaml("unit: kW", "resample: mean, unit: kWh", f"{YAML}:9", "must be sum for energy"),
    "a series of itself": yaml(
        "{series: spot, add: 120", "{series: retail, add: 120", f"{YAML}:7 series.retail", "made of itself"
    ),
    "a series that there is not": yaml(
        "{series: spot, add: 120", "{series: spott, add: 120", f"{YAML}:7 series.retail", "did you mean spot"
    ),
    "a series that nobody calls for": yaml(
        "  Town_load:", "  Town_laod: 2 kW\n  Town_load:", YAML, "did you mean Town_load"
    ),
    "a series that is no series": yaml(
        "{series: spot, add: 120 EUR/MWh}", "120", f"{YAML}:7 series.retail", "must be a series"
    ),
    "a value without a unit": yaml(
        "{series: spot, add: 120 EUR/MWh}", "'120'", f"{YAML}:7 series.retail", "must have a unit"
    ),
    "a digit between thousands": yaml(
        "{column: Farm_load}",
        '{column: Farm_load, thousands: "1"}',
        f"{YAML}:9 series.Farm_load.thousands",
        "must be a point, a comma, an apostrophe, a space or _",
    ),
    "a point between thousands and before decimals": yaml(
        "{column: Farm_load}",
        '{column: Farm_load, thousands: "."}',
        f"{YAML}:9 series.Farm_load.decimal",
        "must not be the mark that stands between columns or thousands",
    ),
    "a size of noise with a sign": yaml(
        "{column: Farm_load}", "{column: Farm_load, clip: -1 kW}", f"{YAML}:9 series.Farm_load.clip", "below 0"
    ),
    "an unknown field": yaml(
        "resample: hold", "resampling: hold", YAML, "must be a known field", "did you mean resample"
    ),
    "an unknown word": yaml("resample: hold", "resample: median", YAML, "one of: mean, hold, sum"),
    "a time zone that there is not": yaml("unit: kW", "tz: Middle/Earth, unit: kW", YAML, "must be a time zone"),
    "no series and no profile": yaml(
        "  Town_load: {column: Town_load}\n", "", f"{YAML}:5 series", "Town_load", "profiles.csv"
    ),
    "a default in other money": yaml(
        ", choice_temperature: 5 EUR/MWh", "", f"{YAML}:2 currency", "market.choice_temperature_eur_per_mwh", "EUR"
    ),
    "a currency that is none": yaml(
        "currency: EUR", "currency: euro", f"{YAML}:2 currency", "three capital letters"
    ),
    "a name of other money": yaml(
        "price_min: 1 EUR/MWh",
        "price_min_cny_per_mwh: 1",
        YAML,
        "named after the currency, EUR",
        "price_min_eur_per_mwh",
    ),
}


def faults(files: Mapping[str, str], folder: Path) -> tuple[Fault, ...]:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(write_files(folder, {**files}))
    return caught.value.faults


@pytest.mark.parametrize("name", CASES)
def test_it_is_told_clearly(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    told = faults(case.files, tmp_path / "broken")
    first = str(told[0])
    assert first.startswith(case.place), told
    for word in case.words:
        assert word in first, told
    assert told[0].rule.startswith(("must ", "required"))
    assert "CNY" not in "".join(map(str, told)) or name == "a currency that is none"
    assert "\n" not in first


def test_marks_of_the_defaults_are_told_once(tmp_path: Path) -> None:
    case = yaml("time: time, unit: kW", 'time: time, thousands: "1", unit: kW', YAML)
    (fault,) = faults(case.files, tmp_path / "broken")
    assert "series_defaults.thousands" in fault.place
    assert "more" not in fault.place


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("step: 15min", "step: 7min", "horizon.step"),
        ("start: 2016-06-15", "start: 2016-06-31", "horizon.start"),
        (UNIT, "  - {id: Town, units: [{kind: car, id: c}]}", "vpps[1].units[0].kind"),
        ("  - id: Farm", '  - id: "3 Farms"', "vpps[0].id"),
    ],
)
def test_what_follows_from_another_fault_is_not_told(old: str, new: str, path: str, tmp_path: Path) -> None:
    """No gaps of files for a horizon that there is not; no profiles missed where series may give all columns."""
    (told,) = faults(changed(DAY, YAML, old, new), tmp_path / "broken")
    assert told.place.startswith(YAML)
    assert told.place.endswith(f" {path}")
