"""Claims: a run in another currency, at a time of its own, tells both in everything that it leaves and prints, and
nothing of it says CNY; it is read back, replayed and compared as any other."""

from __future__ import annotations

import base64
import csv
import json
import re
from pathlib import Path

import pytest

import market
from market.app.results.telling import Telling
from market.errors import ScenarioError
from market.model.calendar import stamps
from market.scenario import load_scenario
from tests.app.commands import vppmarket
from tests.market.real_days import RealDay
from tests.market.scenario_files import write_files

OLD = re.compile(rb"cny", re.IGNORECASE)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scenario, `day`, and its run over the bus, `run`, with pictures and report."""
    folder = tmp_path_factory.mktemp("currency")
    RealDay(start="2016-10-30").write(folder / "day")
    done = vppmarket("run", "day", "--out", "run", "--report", "--figures", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert not OLD.search(done.stdout.encode()), done.stdout
    assert "EUR" in done.stdout
    assert "2016-10-30 00:00 to 2016-10-31 00:00, Europe/Berlin" in done.stdout
    return folder


def test_no_file_says_another_currency(place: Path) -> None:
    looked_at = 0
    for path in sorted((place / "run").rglob("*")):
        if not path.is_file() or path.suffix in (".png", ".msgpack"):
            continue
        data = path.read_bytes()
        for picture in re.findall(rb"base64,([^\"]*)", data):
            assert not OLD.search(base64.b64decode(picture)), path
        assert not OLD.search(re.sub(rb"base64,[^\"]*", b"", data)), path
        looked_at += 1
    assert looked_at > 20


def test_tables_tell_when_each_period_begins(place: Path) -> None:
    wanted = stamps(load_scenario(place / "day").public.horizon)
    assert len(wanted) == 100
    for path in sorted((place / "run").glob("*.csv")):
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        if "period" in (rows[0] if rows else {}):
            assert all(row["start"] == wanted[int(row["period"]) - 1] for row in rows), path
    periods = (place / "run" / "periods.csv").read_text(encoding="utf-8").splitlines()
    assert periods[0].startswith("period,start,floor_eur_per_mwh,")
    assert [line.split(",")[1] for line in periods[9:14]] == [
        *("2016-10-30T02:00+02:00", "2016-10-30T02:15+02:00", "2016-10-30T02:30+02:00"),
        *("2016-10-30T02:45+02:00", "2016-10-30T02:00+01:00"),
    ]


def test_manifest_and_certificate_tell_the_currency(place: Path) -> None:
    manifest = json.loads((place / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["currency"] == "EUR"
    assert manifest["rules"]["market"]["price_max_eur_per_mwh"] == 300.0
    assert manifest["rules"]["horizon"] == {
        "periods": 100,
        "period_h": 0.25,
        "start": "2016-10-30T00:00+02:00",
        "tz": "Europe/Berlin",
    }
    assert "epsilon_eur" in manifest


def test_it_is_replayed_and_compared(place: Path) -> None:
    done = vppmarket("replay", "run", cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    assert not OLD.search(done.stdout.encode())
    done = vppmarket(
        "run", "day", "--in-process", "--out", "other", "--set", "carbon.base_price=80 EUR/t", cwd=place
    )
    assert (done.returncode, done.stderr) == (0, "")
    done = vppmarket("compare", "run", "other", "--out", "compared", cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    for told in (done.stdout.encode(), *(path.read_bytes() for path in (place / "compared").glob("*.*"))):
        assert not OLD.search(re.sub(rb"base64,[^\"]*", b"", told))
    assert "EUR" in done.stdout


def test_json_and_check_tell_it_too(place: Path) -> None:
    done = vppmarket("run", "day", "--in-process", "--json", "--out", "json", cwd=place)
    assert not OLD.search(done.stdout.encode())
    assert json.loads(done.stdout)["tables"]["periods"][0]["start"] == "2016-10-30T00:00+02:00"
    done = vppmarket("check", "day", cwd=place)
    assert not OLD.search(done.stdout.encode())
    assert "100 periods of 15 min" in done.stdout
    assert "money: EUR" in done.stdout
    assert "from meter.csv Farm_pv, 100 rows of 15 min" in done.stdout


def test_data_frames_have_times_and_the_currency(place: Path) -> None:
    offers = market.open_run(place / "run").offers
    assert {"price_eur_per_mwh", "utility_eur", "start"} <= set(offers.columns)
    assert str(offers["start"].dtype).endswith("Europe/Berlin]")
    assert "EUR" in repr(market.open_run(place / "run"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"currency": "EUR"', '"currency": "USD"', "epsilon_cny"),
        ('"currency": "EUR"', '"currency": 3', "must be the code of a currency"),
        ('  "currency": "EUR",\n', "", "epsilon_cny"),
        (
            '"start": "2016-10-30T00:00+02:00"',
            '"start": "2016-10-30T01:00+02:00"',
            "start: must be 2016-10-30T01:00",
        ),
        ('"tz": "Europe/Berlin"', '"tz": "Europe/Bern"', "must begin at a time that there is"),
    ],
)
def test_an_altered_manifest_is_refused(place: Path, tmp_path: Path, old: str, new: str, said: str) -> None:
    run = tmp_path / "run"
    text = (place / "run" / "manifest.json").read_text(encoding="utf-8")
    assert old in text
    files = {path.name: path.read_text(encoding="utf-8") for path in (place / "run").glob("*.csv")}
    files["certificate.json"] = (place / "run" / "certificate.json").read_text(encoding="utf-8")
    write_files(run, {**files, "manifest.json": text.replace(old, new)})
    with pytest.raises(ScenarioError) as caught:
        market.open_run(run)
    assert said in str(caught.value)


def test_names_of_people_stay_as_they_are() -> None:
    told = Telling("EUR", names=("CNY-desk", "of CNY & co", "a_cny"))
    text = "CNY-desk of CNY & co asks 3 CNY/MWh, a_cny pays 4 kCNY; see price_cny_per_mwh"
    assert told.text(text) == "CNY-desk of CNY & co asks 3 EUR/MWh, a_cny pays 4 kEUR; see price_eur_per_mwh"
    document = {"regret_cny": {"a_cny": 1.0}, "evidence": "at 3 CNY"}
    written = told.document(document)
    assert written == {"regret_eur": {"a_cny": 1.0}, "evidence": "at 3 EUR"}
    assert told.plain_document(written) == {**document, "evidence": "at 3 EUR"}
    assert Telling().document(document) is document


def test_a_market_of_several_days_is_told_by_the_day(tmp_path: Path) -> None:
    RealDay(days=3, minutes=60).write(tmp_path / "days")
    done = vppmarket("run", "days", "--in-process", "--out", "run", "--figures", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    picture = (tmp_path / "run" / "figures" / "prices.svg").read_text(encoding="utf-8")
    assert all(day in picture for day in ("15 Jun", "16 Jun", "17 Jun", "time, Europe/Berlin"))
