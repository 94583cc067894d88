"""Claims about what a run folder keeps: every level of the trace and every format reads back as the same numbers,
to the last digit, and whoever needs what is not kept says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest

import market
from market.app.report.write import write_figures
from market.app.results import kept as kept_module
from market.app.results.kept import TraceLevel, TraceQuantity
from market.app.results.recorded import read_run
from market.errors import ScenarioError
from tests.app.commands import vppmarket

LEVELS = ("none", "offers", "full")
FORMATS = ("csv", "parquet")


@pytest.fixture(scope="module")
def day() -> market.Run:
    return market.run("five_vpp")


def kept(folder: Path, *, trace: str | None = None, format: str = "csv") -> market.Run:
    return market.run("five_vpp", out=folder, trace=trace, format=format)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("level", LEVELS)
def test_what_is_kept_reads_back_to_the_last_digit(
    day: market.Run, tmp_path: Path, level: str, format: str
) -> None:
    written = kept(tmp_path / "run", trace=level, format=format)
    read = market.open_run(tmp_path / "run")
    assert list(read.tables) == list(written.tables)
    assert set(day.tables) - set(read.tables) == ({"trace"} if level == "none" else set())
    for name in set(read.tables) - {"trace"}:
        pandas.testing.assert_frame_equal(read.tables[name], day.tables[name], check_exact=True)
    if level != "none":
        told = day.trace["quantity"].isin(["price"] if level == "offers" else list(TraceQuantity))
        whole = day.trace[told].reset_index(drop=True)
        pandas.testing.assert_frame_equal(read.trace, whole, check_exact=True)
    assert {path.suffix for path in (tmp_path / "run").iterdir() if path.is_file()} == {".json", f".{format}"}


def test_parquet_is_as_pandas_would_have_it(day: market.Run, tmp_path: Path) -> None:
    kept(tmp_path / "run", format="parquet")
    for name in day.tables:
        found = pandas.read_parquet(tmp_path / "run" / f"{name}.parquet")
        assert found.columns.tolist() == day.tables[name].columns.tolist()
        for column in found:
            ours, theirs = day.tables[name][column], found[column]
            if ours.dtype == object or theirs.dtype.kind not in "fi":
                assert ours.tolist() == theirs.tolist()
            else:
                np.testing.assert_array_equal(ours.to_numpy(), theirs.to_numpy())


@pytest.mark.parametrize("case", ["five_vpp", "quarter_hours", "two_vpp"])
def test_selections_that_are_not_written_are_worked_out_as_they_were(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "MOST_SELECTIONS", 0)
    monkeypatch.setattr(kept_module, "MOST_TRACED", 0)
    day = market.run(case, out=tmp_path / "run")
    assert not (tmp_path / "run" / "selections.csv").exists()
    pandas.testing.assert_frame_equal(
        market.open_run(tmp_path / "run").selections, day.selections, check_exact=True
    )


@pytest.mark.parametrize("tau", [0.0, 5.0])
def test_they_are_also_where_prices_move_on_a_tick_or_go_round(
    tau: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "MOST_SELECTIONS", 0)
    monkeypatch.setattr(kept_module, "MOST_TRACED", 0)
    changes = {"market.choice_temperature_cny_per_mwh": tau, "market.price_tick_cny_per_mwh": 5.0}
    day = market.run("five_vpp", changes, out=tmp_path / "run")
    pandas.testing.assert_frame_equal(
        market.open_run(tmp_path / "run").selections, day.selections, check_exact=True
    )


def test_selections_that_do_not_follow_from_offers_are_always_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "MOST_SELECTIONS", 0)
    monkeypatch.setattr(kept_module, "MOST_TRACED", 0)
    market.run("two_vpp", {"market.mechanism": "consensus"}, out=tmp_path / "agreed")
    market.run("two_vpp", processes=True, out=tmp_path / "told")
    for name in ("agreed", "told"):
        assert (tmp_path / name / "selections.csv").exists()


def test_a_large_day_keeps_its_offers_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = kept(tmp_path / "small").manifest["kept"]
    assert small == {"trace": "full", "format": "csv", "selections": True}
    monkeypatch.setattr(kept_module, "MOST_TRACED", 10)
    large = kept(tmp_path / "large")
    assert large.manifest["kept"]["trace"] == "offers"
    assert set(large.trace["quantity"]) == {"price"}
    whole = kept(tmp_path / "asked", trace="full")
    assert whole.manifest["kept"]["trace"] == "full"


def test_the_summary_says_what_is_not_kept(tmp_path: Path) -> None:
    done = vppmarket("run", "two_vpp", "--in-process", "--trace", "offers", "--out", "run", cwd=tmp_path)
    assert "of the trace the offers only" in done.stdout
    assert "--trace full" in done.stdout


@pytest.mark.sampled(1)
@pytest.mark.parametrize("level", LEVELS)
def test_figures_and_report_work_with_every_level_or_say_what_they_need(tmp_path: Path, level: str) -> None:
    market.run("two_vpp", out=tmp_path / "run", trace=level)
    run = write_figures(tmp_path / "run", report=True)
    needs = {quantity: run.untraced(quantity) for quantity in TraceQuantity}
    missing = {quantity for quantity, reason in needs.items() if reason}
    selected = {TraceQuantity.PROBABILITY, TraceQuantity.EVOLUTION}
    assert missing == {"none": set(TraceQuantity), "offers": selected, "full": set()}[level]
    assert all("--trace" in needs[quantity] for quantity in missing)
    assert (tmp_path / "run" / "report.html").stat().st_size > 0


@pytest.mark.sampled(2)
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("level", LEVELS)
def test_compare_and_replay_work_with_every_level_and_format(tmp_path: Path, level: str, format: str) -> None:
    flags = ("--trace", level, "--format", format, "--quiet")
    ran = vppmarket("run", "two_vpp", *flags, "--out", "run", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    replayed = vppmarket("replay", "run", cwd=tmp_path)
    assert replayed.returncode == 0, replayed.stdout
    compared = vppmarket("compare", "run", "run", cwd=tmp_path)
    assert compared.returncode == 0, compared.stderr


def test_a_cell_altered_in_parquet_is_found_by_replay(tmp_path: Path) -> None:
    ran = vppmarket("run", "two_vpp", "--format", "parquet", "--quiet", "--out", "run", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    path = tmp_path / "run" / "offers.parquet"
    table = pandas.read_parquet(path)
    table.loc[0, "price_cny_per_mwh"] += 1e-9
    table.to_parquet(path, index=False)
    assert vppmarket("replay", "run", cwd=tmp_path).returncode == 4


@pytest.mark.parametrize("damage", [b"", b"PAR1 and nothing else", b"vpp,period\n"])
def test_a_damaged_parquet_file_is_refused_in_one_line(tmp_path: Path, damage: bytes) -> None:
    market.run("two_vpp", out=tmp_path / "run", format="parquet")
    (tmp_path / "run" / "offers.parquet").write_bytes(damage)
    with pytest.raises(ScenarioError, match=r"offers\.parquet"):
        read_run(tmp_path / "run")


def test_columns_of_another_kind_are_refused(tmp_path: Path) -> None:
    market.run("two_vpp", out=tmp_path / "run", format="parquet")
    path = tmp_path / "run" / "offers.parquet"
    table = pandas.read_parquet(path)
    table["period"] = table["period"].astype(str)
    table.to_parquet(path, index=False)
    with pytest.raises(ScenarioError, match="period"):
        read_run(tmp_path / "run")


def test_levels_that_there_are_not_are_refused_by_name() -> None:
    with pytest.raises(ScenarioError, match="trace: must be one of none, offers, full; got 'some'"):
        market.run("two_vpp", trace="some")
    assert {level.value for level in TraceLevel} == set(LEVELS)
