"""Claims: a day is the same day in whatever unit, form and resolution its files have it, and comes to periods by
the stated rule; what is missing is filled as said or refused with its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from market.errors import ScenarioError
from market.scenario import load_scenario, write_scenario
from market.scenario.scenario import Scenario
from tests.market.real_days import RealDay, arrays, changed, moments, power_mw, price
from tests.market.scenario_files import write_files


def same(one: Scenario, other: Scenario) -> None:
    ours, theirs = arrays(one), arrays(other)
    assert ours.keys() == theirs.keys()
    for name, column in ours.items():
        assert np.allclose(column, theirs[name], rtol=1e-9, atol=1e-12), name


def test_numbers_are_those_of_the_files(tmp_path: Path) -> None:
    found = arrays(load_scenario(RealDay().write(tmp_path / "day")))
    when = moments("2016-06-15", "Europe/Berlin", 1, 15)
    for column in ("Farm_load", "Farm_pv", "Town_load"):
        assert found[column] == pytest.approx([power_mw(column, each) for each in when], rel=1e-12)
    assert found["retail"] == pytest.approx([price(each) + 120 for each in when], rel=1e-12)
    assert found["feed_in"] == pytest.approx([price(each) - 5 for each in when], rel=1e-12)


UNITS = {
    "W": RealDay(power_unit="W", per_mw=1e6),
    "MW": RealDay(power_unit="MW", per_mw=1.0),
    "GW": RealDay(power_unit="GW", per_mw=1e-3),
    "kWh of each interval": RealDay(power_unit="kWh", per_mw=250.0),
    "Wh of each interval": RealDay(power_unit="Wh", per_mw=250e3),
    "MWh of each interval": RealDay(power_unit="MWh", per_mw=0.25),
    "EUR/kWh": RealDay(price_unit="EUR/kWh", per_price=1e-3),
    "ct/kWh": RealDay(price_unit="ct/kWh", per_price=0.1),
}


@pytest.mark.parametrize("form", UNITS)
def test_a_day_is_the_same_in_every_unit(form: str, tmp_path: Path) -> None:
    same(load_scenario(RealDay().write(tmp_path / "kW")), load_scenario(UNITS[form].write(tmp_path / "other")))


def as_they_are(files: dict[str, str]) -> dict[str, dict[str, str]]:
    """The same files in other forms, by what is said of them."""
    meter = files["meter.csv"]
    german = meter.replace(".", "#").replace(",", ";").replace("#", ",")
    rows = meter.splitlines()
    later = [row.split(",")[0] for row in rows[2:]] + ["2016-06-16 00:00"]
    ends = [rows[0], *(",".join([time, *row.split(",")[1:]]) for time, row in zip(later, rows[1:], strict=True))]
    dates = [f"{row.split(' ')[0]},{row.split(' ', 1)[1]}" for row in rows[1:]]
    return {
        "meter.csv": {"meter.csv": meter},
        'meter.csv, sep: ";", decimal: ","': {"meter.csv": german},
        "meter.csv, stamp: end": {"meter.csv": "\n".join(ends) + "\n"},
        "meter.csv, time: [day, clock]": {"meter.csv": "\n".join([rows[0].replace("time", "day,clock"), *dates])},
        'meter.csv, time_format: "%d.%m.%Y %H:%M"': {
            "meter.csv": "\n".join([rows[0], *(f"15.06.2016{row[10:]}" for row in rows[1:])])
        },
        "meter.csv, skip: 2": {"meter.csv": f"written by a meter\nof its own, kind\n{meter}"},
        "meter.csv, encoding: utf-16": {},
        "meter.csv, root: ../shared": {},
    }


@pytest.mark.parametrize("form", list(as_they_are(RealDay().files())))
def test_a_day_is_the_same_in_every_form_of_file(form: str, tmp_path: Path) -> None:
    files = RealDay().files()
    given = {**files, **as_they_are(files)[form]}
    time = "" if "time:" in form else "time: time, "
    text = given["scenario.yaml"].replace("file: meter.csv, time: time, ", f"file: {form}, {time}")
    prices = "{file: prices.csv, "
    plain = '{file: prices.csv, sep: ",", decimal: ".", stamp: start, skip: 0, encoding: utf-8, root: ., '
    plain += 'time_format: "%Y-%m-%dT%H:%M:%S%z", '
    given["scenario.yaml"] = text.replace(prices, plain)
    folder = write_files(tmp_path / "form", given)
    if "utf-16" in form:
        (folder / "meter.csv").write_text(files["meter.csv"], encoding="utf-16")
    if "root" in form:
        (tmp_path / "shared").mkdir()
        (folder / "meter.csv").rename(tmp_path / "shared" / "meter.csv")
    same(load_scenario(RealDay().write(tmp_path / "plain")), load_scenario(folder))


@pytest.mark.parametrize("ending", ["parquet", "xlsx"])
def test_a_day_is_the_same_from_a_workbook(ending: str, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    folder = RealDay().write(tmp_path / "day")
    plain = load_scenario(folder)
    frame = pandas.read_csv(folder / "meter.csv", parse_dates=["time"])
    frame.to_parquet(folder / "meter.parquet") if ending == "parquet" else frame.to_excel(
        folder / "meter.xlsx", index=False
    )
    (folder / "meter.csv").unlink()
    text = (folder / "scenario.yaml").read_text()
    (folder / "scenario.yaml").write_text(text.replace("meter.csv", f"meter.{ending}"))
    same(plain, load_scenario(folder))


def test_a_series_without_times_has_a_row_for_each_period(tmp_path: Path) -> None:
    files = RealDay().files()
    untimed = changed(files, "scenario.yaml", "file: meter.csv, time: time, ", "file: meter.csv, ")
    same(load_scenario(write_files(tmp_path / "a", files)), load_scenario(write_files(tmp_path / "b", untimed)))


def small(tmp_path: Path, table: str, series: str, horizon: str = "") -> list[float]:
    """The load of a plant from a table of its own, all else the same throughout."""
    files = {
        "scenario.yaml": f"""\
horizon: {{start: 2016-06-15, {horizon or "periods: 4, step: 1 h"}}}
series:
  retail: 500 CNY/MWh
  feed_in: 300 CNY/MWh
  Only_load: {{file: t.csv, time: t, column: v, unit: MW, {series}}}
vpps: [{{id: Only}}]
""",
        "t.csv": table,
    }
    return list(load_scenario(write_files(tmp_path / "small", files)).vpps[0].load_mw.tolist())


def rows(*values: object, minutes: int = 60, first: int = 0) -> str:
    lines = [
        f"2016-06-15T{at // 60:02d}:{at % 60:02d}Z,{value}"
        for at, value in zip(range(first, 24 * 60, minutes), values, strict=False)
    ]
    return "\n".join(["t,v", *lines]) + "\n"


@pytest.mark.parametrize(
    ("table", "series", "wanted"),
    [
        (rows(1, 2, 3, 4), "resample: mean", [1, 2, 3, 4]),
        (rows(1, 3, 3, 3, 5, 5, 8, 2, minutes=30), "resample: mean", [2, 3, 5, 5]),
        (rows(1, 2, minutes=120), "resample: hold", [1, 1, 2, 2]),
        (rows(1, 2, minutes=120), "resample: mean", [1, 1, 2, 2]),
        (rows(1, 2, 4, minutes=90), "resample: mean", [1, 1.5, 2, 4]),
        (rows(1, 2, 3, 4, 5), "stamp: instant", [1.5, 2.5, 3.5, 4.5]),
        (rows(1, 2, 3, 4), "stamp: instant", [1.5, 2.5, 3.5, 4]),
        (rows(1, 2, 3, 4), "stamp: instant, resample: hold", [1, 2, 3, 4]),
        (rows(1, 2, 3, 4, first=60), "stamp: end", [1, 2, 3, 4]),
        (rows(1, "", "nan", 4), "gaps: linear", [1, 2, 3, 4]),
        (rows(1, "", "NA", 4), "gaps: hold", [1, 1, 1, 4]),
        (rows(1, "", "-", 4), "gaps: zero", [1, 0, 0, 4]),
        (rows(1, 2, 3, 4), "scale: 0.5", [0.5, 1, 1.5, 2]),
        (rows(1, 2, 3, 4), "add: 500 kW", [1.5, 2.5, 3.5, 4.5]),
        (rows(-0.001, 2, -0.002, 4), "clip: 2 kW", [0, 2, 0, 4]),
        (rows("1.000,5", 2, 3, 4).replace(",", ";").replace("1.000;5", "1.000,5"),
         'sep: ";", decimal: ",", thousands: "."', [1000.5, 2, 3, 4]),
    ],
)  # fmt: skip
def test_numbers_come_to_periods_by_the_stated_rule(
    table: str, series: str, wanted: list[float], tmp_path: Path
) -> None:
    assert small(tmp_path, table, series) == pytest.approx(wanted, rel=1e-12, abs=1e-15)


def test_a_profile_of_parts_is_scaled_to_power_and_parts_add_up(tmp_path: Path) -> None:
    table = rows(0.1, 0.5, 1, 0)
    files = {
        "scenario.yaml": """\
horizon: {start: 2016-06-15, periods: 4, step: 1 h}
series:
  retail: 500 CNY/MWh
  feed_in: 300 CNY/MWh
  shape: {file: t.csv, time: t, column: v, unit: "1"}
  Only_load: [{file: t.csv, time: t, column: v, scale: 0.2 MW}, {series: shape, scale: 300 kW}, 50 kW]
vpps: [{id: Only}]
""",
        "t.csv": table,
    }
    found = load_scenario(write_files(tmp_path / "sum", files)).vpps[0].load_mw
    assert found.tolist() == pytest.approx([0.1, 0.3, 0.55, 0.05], rel=1e-12)


def test_the_mean_power_of_a_day_is_kept_by_every_resolution(tmp_path: Path) -> None:
    """Energy in is energy out, whatever intervals and periods are."""
    rng = np.random.default_rng(5)
    for minutes in (5, 10, 15, 20, 30, 60, 120):
        values = rng.uniform(0, 9, 24 * 60 // minutes).tolist()
        for step in ("5 min", "15 min", "20 min", "1 h", "3 h"):
            place, table = tmp_path / f"{minutes} {step}", rows(*values, minutes=minutes)
            found = small(place, table, "resample: mean", f"days: 1, step: {step}")
            assert np.mean(found) == pytest.approx(np.mean(values), rel=1e-12)


def test_a_written_copy_is_the_same_and_tells_where_it_came_from(tmp_path: Path) -> None:
    scenario = load_scenario(RealDay().write(tmp_path / "day"))
    write_scenario(scenario, tmp_path / "copy")
    copy = load_scenario(tmp_path / "copy")
    assert (copy.digest, copy.plant_digests) == (scenario.digest, scenario.plant_digests)
    assert copy.sources == scenario.sources
    assert "meter.csv Farm_pv, 96 rows of 15 min" in copy.sources["Farm_pv_mw"]
    text = (tmp_path / "copy" / "scenario.yaml").read_text(encoding="utf-8")
    assert "currency: EUR" in text
    assert "cny" not in text.lower()
    head = (tmp_path / "copy" / "tariff.csv").read_text(encoding="utf-8").splitlines()[:2]
    assert head[0] == "period,start,retail_eur_per_mwh,feed_in_eur_per_mwh"
    assert head[1].startswith("1,2016-06-15T00:00+02:00,")


def test_parts_hold_the_sources_of_their_own_plant_alone(tmp_path: Path) -> None:
    from market.scenario import own_part, public_part

    scenario = load_scenario(RealDay().write(tmp_path / "day"))
    assert set(public_part(scenario).sources) == {"retail_eur_per_mwh", "feed_in_eur_per_mwh"}
    assert set(own_part(scenario, "Town").sources) == {*public_part(scenario).sources, "Town_load_mw"}


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="must have no gaps; got 2016-06-15T02:00"):
        small(tmp_path, rows(1, 2, "", 4), "resample: mean")
