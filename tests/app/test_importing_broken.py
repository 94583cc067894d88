"""Claims: what cannot be imported is refused with one message of place, value and remedy; and nothing is left."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from market.app.cli.main import command
from tests.app import import_sources

CSV = ("csv", "meter.csv", "--unit", "kW", "--load", "Farm=Hof", "--tz", "Europe/Berlin")
SUN = ("pvlib", "--plant")
Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    import_sources.meter(folder)
    import_sources.household(folder / "home")
    import_sources.fleet(folder / "fleet")
    return folder


def without_lines(name: str, first: int, last: int) -> Change:
    def change(folder: Path) -> None:
        lines = (folder / name).read_text().splitlines(keepends=True)
        (folder / name).write_text("".join([*lines[:first], *lines[last:]]))

    return change


def replaced(name: str, old: str, new: str, count: int = -1) -> Change:
    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, count))

    return change


def removed(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


def nothing(folder: Path) -> None:
    """The sources as they are."""


HOME, FLEET = ("emhass", "home/config_emhass.yaml"), ("assume", "fleet")
PLANTS, DEMAND = "fleet/powerplant_units.csv", "fleet/demand_df.csv"
CONFIG, LOAD = "home/config_emhass.yaml", "home/data/data_load_forecast.csv"
BROKEN: tuple[tuple[tuple[str, ...], Change, tuple[str, ...]], ...] = (
    # a CSV file
    (("csv", "metre.csv", *CSV[2:]), nothing, ("metre.csv", "must be a file that can be read")),
    ((*CSV[:4], "--load", "Farm=Hoff"), nothing, ("--load Farm", "'Hoff'", "did you mean Hof?")),
    ((*CSV[:4], "--load", "Farm"), nothing, ("--load: must be the id of a plant, =, and a column", "'Farm'")),
    ((*CSV[:4], "--load", "3 Höfe=Hof"), nothing, ("--load", "3 H", "write it like")),
    (CSV[:4], nothing, ("--load: must name a column",)),
    (("csv", "meter.csv", "--unit", "kw", *CSV[4:]), nothing, ("'kw'", "did you mean kW?")),
    (("csv", "meter.csv", "--unit", "EUR/MWh", *CSV[4:]), nothing, ("must be in MW, or another unit",)),
    (CSV, without_lines("meter.csv", 40, 44), ("must have no gaps", "2016-06-15T09:45+02:00 (4 missing)")),
    (
        CSV,
        replaced("meter.csv", "15.06.2016 09:45", "32.06.2016 09:45"),
        (
            "meter.csv:41 column Zeit: must be a time of a form",
            "'32.06.2016 09:45'",
            "others are written as %d.%m.%Y",
        ),
    ),
    (CSV, replaced("meter.csv", ";266,", ";abc;266,", 1), ("must have 6 cells, like the header", "7 cells")),
    *(
        ((*CSV, "--time-format", form), nothing, ("meter.csv:2 column", f"must be a time written as {form}"))
        for form in ("%Q", "%m/%d/%Y %H:%M", "%d.%m.%Y", "unix", "iso")
    ),
    (
        (*CSV, "--battery", "Farm=400 kWh,150 kW", "--battery", "Farm=1 kWh,1 kW"),
        nothing,
        ("must be given only once for a plant", "--battery"),
    ),
    ((*CSV, "--tz", "Europe/Berlitz"), nothing, ("--tz", "must be a time zone")),
    ((*CSV, "--start", "15.6."), nothing, ("--start", "must be a day or a time in ISO 8601")),
    ((*CSV, "--days", "9"), nothing, ("must have no gaps", "2016-06-17T00:00+02:00")),
    ((*CSV, "--step", "7min"), nothing, ("--step", "must divide the 48 h of the 2 days")),
    ((*CSV, "--retail", "Preiss"), nothing, ("--retail", "did you mean Preis?")),
    ((*CSV, "--retail", "30 ct"), nothing, ("--retail", "must be in EUR/MWh")),
    ((*CSV, "--retail", "30 USD/MWh"), nothing, ("must be in the scenario's currency, EUR",)),
    ((*CSV, "--currency", "Euro"), nothing, ("--currency", "three capital letters")),
    ((*CSV, "--battery", "Farm=400 kWh"), nothing, ("--battery", "energy and power")),
    ((*CSV, "--battery", "Hof=400 kWh,10 kW"), nothing, ("--battery", "a plant that has a column")),
    ((*CSV, "--battery", "Farm=400 kW,10 kW"), nothing, ("--battery Farm", "must be in MWh")),
    ((*CSV, "--encoding", "utf-99"), nothing, ("--encoding: must be a known encoding", "utf-99")),
    ((*CSV, "--out", "home"), nothing, ("home: the folder must be new or empty",)),
    ((*CSV, "--add-to", "nowhere"), nothing, ("must be a scenario folder or the name of a built-in case",)),
    (
        (*CSV[:6], "--add-to", "five_vpp"),
        nothing,
        ("--add-to five_vpp: must be a scenario whose horizon has a start",),
    ),
    ((*CSV, "--add-to", "village"), nothing, ("--tz: must not be given together with --add-to",)),
    ((*CSV[:6], "--add-to", "village"), nothing, ("must have no gaps", "meter.csv")),
    # sun and wind
    ((*SUN, "Roof"), nothing, ("--plant: must be the id of a plant, =, and its size",)),
    ((*SUN, "Roof=400 kWh"), nothing, ("--plant Roof: must be in MW",)),
    ((*SUN, "Roof=4 kW,tlt=3"), nothing, ("--plant Roof", "did you mean tilt?")),
    ((*SUN, "Roof=4 kW,tilt=99"), nothing, ("--plant Roof tilt: must be a number from 0 to 90",)),
    ((*SUN, "A=4 kW", "--plant", "a=5 kW"), nothing, ("--plant a: must have an id of its own",)),
    ((*SUN, "A=4 kW", "--site", "north"), nothing, ("--site: must be latitude and longitude", "'north'")),
    ((*SUN, "A=4 kW", "--tmy", "paris"), nothing, ("--tmy paris", "greensboro")),
    ((*SUN, "A=4 kW", "--tmy", "meter.csv"), nothing, ("--tmy meter.csv: must be a readable TMY3 file",)),
    ((*SUN, "A=4 kW", "--start", "2025-02-30"), nothing, ("--start", "ISO 8601")),
    (
        ("wind", "--plant", "Hill=E-126"),
        nothing,
        ("--plant Hill: must be a type of turbine", "did you mean E-126/"),
    ),
    (("wind", "--plant", "Hill=E-126/4200,number=0"), nothing, ("--plant Hill number: must be a number from 1",)),
    # SimBench
    (("simbench", "1-MV-rural--9-sw"), nothing, ("must be a code of SimBench", "did you mean 1-MV-rural--")),
    # ASSUME
    (("assume", "flee"), nothing, ("flee: must be a folder of ASSUME",)),
    (FLEET, removed(DEMAND), ("fleet: must have demand_df.csv",)),
    (FLEET, removed("fleet/fuel_prices_df.csv"), ("fleet: must have fuel_prices_df.csv",)),
    (FLEET, removed(PLANTS), ("fleet: must have units in powerplant_units.csv",)),
    (FLEET, replaced(PLANTS, ",lignite,0", ",lignight,0", 1), ("powerplant_units.csv:", "did you mean lignite?")),
    (
        FLEET,
        replaced(PLANTS, "unit_operator", "operator"),
        ("powerplant_units.csv:2: must have a column unit_operator",),
    ),
    (
        FLEET,
        replaced(PLANTS, "1,nuclear,naive_eom,uranium,0.0,60", "1,nuclear,naive_eom,uranium,0.0,much"),
        ("powerplant_units.csv:2 column max_power: must be a number", "'much'"),
    ),
    (FLEET, replaced(DEMAND, "demand_3", "demand_tree"), ("must have a column of its demand", "demand_3")),
    (FLEET, without_lines(DEMAND, 10, 12), ("demand_df.csv", "must have no gaps")),
    ((*FLEET, "--scenario", "bass"), nothing, ("--scenario, fleet/config.yaml", "did you mean base?")),
    ((*FLEET, "--start", "2020-01-01"), nothing, ("must have no gaps",)),
    # EMHASS
    (("emhass", "home/config.yaml"), nothing, ("home/config.yaml: must be a file that can be read",)),
    (("emhass", "fleet/config.yaml"), nothing, ("must be a configuration of EMHASS",)),
    (HOME, removed(LOAD), ("must have its load in data_load_forecast.csv", "looked for")),
    (
        HOME,
        replaced(CONFIG, "  - 750.0\n", ""),
        ("nominal_power_of_deferrable_loads", "each of the 2 deferrable loads"),
    ),
    (HOME, replaced(CONFIG, "3000.0", "many"), ("nominal_power_of_deferrable_loads: must be a number", "'many'")),
    (HOME, replaced(CONFIG, "'02:54'", "'early'"), ("period_hp_1: must have a start and an end as HH:MM",)),
    (HOME, replaced(CONFIG, "  - 40\n", "  - 4\n"), ("must end after it may begin", "12 to 4")),
    (HOME, replaced(LOAD, "2021-04-29 04:30", "29.4.2021 04:30"), ("must have times in ISO 8601",)),
    (HOME, without_lines(LOAD, 9, 12), ("home_data_load_forecast.csv", "must have no gaps")),
    ((*HOME, "--retail", "30 ct/kWh"), nothing, ("--retail: must be left out",)),
    (HOME, replaced(CONFIG, "optim_conf:", "optim_conf: ["), ("config_emhass.yaml:", "must be readable YAML")),
)


@pytest.mark.parametrize(("arguments", "change", "told"), BROKEN, ids=range(len(BROKEN)))
def test_one_message_says_what_is_wrong(
    arguments: tuple[str, ...],
    change: Change,
    told: tuple[str, ...],
    sources: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "here"
    shutil.copytree(sources, folder)
    change(folder)
    before = sorted(folder.rglob("*"))
    monkeypatch.chdir(folder)
    assert command(["import", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert [part for part in told if part not in line] == [], line
    assert "Traceback" not in line
    assert sorted(path for path in folder.rglob("*") if path.name != "imported") == before


def test_json_that_is_none_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = import_sources.household(tmp_path / "home", old=False)
    path.write_text(json.dumps({"number_of_deferrable_loads": 2}, indent=1)[:-1])
    monkeypatch.chdir(tmp_path)
    assert command(["import", "emhass", "home/config.json"]) == 2
    assert "home/config.json:3: must be readable JSON" in capsys.readouterr().err
