"""Claims about the pictures: they show what the tables hold, for days of any size, the same bytes every time."""

from __future__ import annotations

import csv
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from market.app.figures import style
from market.app.figures.carbon import carbon_figure
from market.app.figures.costs import costs_figure
from market.app.figures.day import day_pictures
from market.app.figures.dispatch import SINKS, SOURCES, dispatch_figure
from market.app.figures.forecast import forecast_figure
from market.app.figures.picture import Picture, write_pictures
from market.app.figures.prices import price_convergence_figure, prices_figure
from market.app.figures.probabilities import convergence_period, evolution_figure, probabilities_figure
from market.app.figures.roles import sdr_figure
from market.app.results.recorded import RecordedRun, read_run
from market.errors import RunError
from tests.app.recorded_days import KINDS, run_kind


class Days:
    """The days of each kind, each run once, when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run = cache(lambda kind: read_run(run_kind(kind, self.folder)))

    def rows(self, kind: str, table: str) -> list[dict[str, str]]:
        self.run(kind)
        with (self.folder / kind / f"{table}.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Days:
    return Days(tmp_path_factory.mktemp("days"))


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.texts)


def lines(figure: Figure) -> dict[str, Any]:
    return {str(line.get_label()): line for ax in figure.axes for line in ax.get_lines()}


def steps(figure: Figure, panel: int) -> dict[str, Any]:
    patches = figure.axes[panel].patches
    return {str(patch.get_label()): patch for patch in patches if isinstance(patch, StepPatch)}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_of_every_kind_of_day_is_drawn_without_a_warning(days: Days, kind: str) -> None:
    run = days.run(kind)
    pictures = list(day_pictures(run))
    assert len({p.name for p in pictures}) == len(pictures) == 8 + len(run.vpps)
    for picture in pictures[:9]:  # the days of further plants are drawn alike
        assert b"<text" in picture.svg, picture.name
        assert picture.caption


def test_a_day_without_trade_is_told_in_words(days: Days) -> None:
    run = days.run("dark")
    assert run["offers"].distinct("vpp") == []
    assert convergence_period(run) is None
    for figure in (
        prices_figure(run),
        probabilities_figure(run),
        evolution_figure(run),
        price_convergence_figure(run),
    ):
        assert figure.axes == []
        assert "No VPP trades with another in any period" in words(figure)


def test_prices_drawn_are_the_prices_offered(days: Days) -> None:
    figure = prices_figure(days.run("quarter"))
    drawn = {
        (seller, round(x), y)
        for seller, line in lines(figure).items()
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }
    offered = {
        (row["vpp"], int(row["period"]), float(row["price_cny_per_mwh"]) / 1000)
        for row in days.rows("quarter", "offers")
    }
    assert len(offered) > 50
    assert drawn == offered
    table = days.rows("quarter", "periods")
    for label, column in (("cap", "cap_cny_per_mwh"), ("floor", "floor_cny_per_mwh")):
        assert steps(figure, 0)[label].get_data().values.tolist() == [float(r[column]) / 1000 for r in table]


def test_probabilities_drawn_are_the_probabilities_selected(days: Days) -> None:
    run = days.run("quarter")
    figure = probabilities_figure(run)
    drawn = {}
    for panel, buyer in enumerate(run.buyers()):
        for seller, patch in steps(figure, panel).items():
            data = patch.get_data()
            for period, share in enumerate(np.subtract(data.values, data.baseline), 1):
                if not np.isnan(share):
                    drawn[buyer, seller, period] = share
    selected = {
        (r["buyer"], r["seller"], int(r["period"])): float(r["probability"])
        for r in days.rows("quarter", "selections")
    }
    assert drawn == pytest.approx(selected, abs=1e-12)


def test_the_stack_drawn_is_the_plan(days: Days) -> None:
    vpp = days.run("quarter").vpps[1]
    figure = dispatch_figure(days.run("quarter"), vpp)
    plans = [[r for r in days.rows("quarter", "dispatch") if r["vpp"] == vpp and r["stage"] == s] for s in "13"]
    seen = set()
    for panel, plan in enumerate(plans):
        for label, patch in steps(figure, panel).items():
            data = patch.get_data()
            base = np.zeros(len(plan)) if data.baseline is None else data.baseline
            planned = [float(row[label]) for row in plan]
            assert abs(np.subtract(data.values, base)) == pytest.approx(planned, abs=1e-9)
            seen.add(label)
        used = {q.column for q in (*SOURCES, *SINKS) if any(float(row[q.column]) > 1e-9 for row in plan)}
        assert used <= seen
        (stored,) = steps(figure, panel + 2).values()
        assert stored.get_data().values.tolist() == [float(row["soc_mwh"]) for row in plan]


def test_evolution_and_convergence_follow_the_trace(days: Days) -> None:
    run = days.run("twelve")
    period = convergence_period(run)
    assert period == 3  # four hours, several sellers in the third
    figure = evolution_figure(run)
    trace = [r for r in days.rows("twelve", "trace") if int(r["period"]) == period]
    buyers = [vpp for vpp in run.vpps if any(r["vpp"] == vpp and r["quantity"] == "evolution" for r in trace)]
    assert len(figure.axes) == len(buyers) > 2
    for ax, buyer in zip(figure.axes, buyers, strict=True):
        for line in ax.get_lines():
            told = [
                r
                for r in trace
                if (r["vpp"], r["counterpart"], r["quantity"]) == (buyer, line.get_label(), "evolution")
            ]
            assert np.asarray(line.get_ydata()).tolist() == [float(r["value"]) for r in told]
    paths = price_convergence_figure(run).axes[0]
    (busiest,) = {int(w) for w in paths.get_title(loc="left").split() if w.isdigit()}
    for line in paths.get_lines():
        key = (line.get_label(), "price", str(busiest))
        told = [r for r in days.rows("twelve", "trace") if (r["vpp"], r["quantity"], r["period"]) == key]
        assert np.asarray(line.get_ydata()).tolist() == [float(r["value"]) / 1000 for r in told]


def test_ratios_costs_carbon_and_forecasts_are_those_of_the_tables(days: Days) -> None:
    run = days.run("two")
    mesh = sdr_figure(run).axes[0].images[0]
    ratios = [min(float(r["sdr"]), 2.0) for r in days.rows("two", "roles")]
    assert np.ma.getdata(np.ma.asarray(mesh.get_array())).ravel().tolist() == ratios
    account = {(r["vpp"], r["scenario"]): r for r in days.rows("two", "costs")}
    bars: list[Any] = costs_figure(run).axes[0].containers
    for scenario, container in zip(("grid_only", "game"), bars, strict=True):
        totals = [float(account[vpp, scenario]["total_cny"]) for vpp in run.vpps]
        assert [bar.get_width() for bar in container.patches] == totals
    marks = lines(carbon_figure(run))
    for vpp in run.vpps:
        told = account[vpp, "game"]
        assert marks[vpp].get_xdata()[0] == float(told["emission_t"]) - float(told["quota_t"])
        assert marks[vpp].get_ydata()[0] == float(told["carbon_cny"])
        assert np.interp(marks[vpp].get_xdata(), *marks["bill"].get_data()) == pytest.approx(
            marks[vpp].get_ydata()
        )
    plan = [r for r in days.rows("two", "dispatch") if (r["vpp"], r["stage"]) == (run.vpps[0], "1")]
    available = [sum(float(r[c]) for c in ("wt_mw", "pv_mw", "curtailed_mw")) for r in plan]
    assert steps(forecast_figure(run), 0)["available"].get_data().values == pytest.approx(available, abs=1e-12)


def test_a_vpp_has_one_look_in_every_picture_and_no_two_have_the_same(days: Days) -> None:
    run = days.run("twelve")
    styles = style.vpp_styles(run.vpps)
    assert len(set(styles.values())) == len({each.marker for each in styles.values()}) == 12
    for figure in (prices_figure(run), evolution_figure(run), carbon_figure(run)):
        of_vpps = {label: line for label, line in lines(figure).items() if label in styles}
        assert of_vpps
        for vpp, line in of_vpps.items():
            assert (
                to_hex(line.get_color()) if line.get_linestyle() != "None" else to_hex(line.get_markerfacecolor())
            ) == (styles[vpp].colour.lower())
            assert line.get_marker() == styles[vpp].marker
    for seller, patch in steps(probabilities_figure(run), 0).items():
        assert to_hex(patch.get_facecolor()) == styles[seller].colour.lower()
        assert (patch.get_hatch() or "") == styles[seller].hatch


@pytest.mark.parametrize("periods", [1, 2, 5, 7, 24, 96, 97, 288, 1000])
def test_periods_stand_on_the_axis_from_the_first_to_the_last_and_can_be_read(periods: int) -> None:
    figure = Figure()
    ax = figure.subplots()
    style.period_axis(ax, periods)
    ticks = ax.get_xticks().tolist()
    assert ticks[0] == 1
    assert len(ticks) <= 26
    assert all(tick == int(tick) and 1 <= tick <= periods for tick in ticks)
    assert ax.get_xlim() == (0.5, periods + 0.5)


def test_the_same_day_gives_the_same_bytes(days: Days, tmp_path: Path) -> None:
    run = days.run("two")
    written = [
        write_pictures([Picture("prices", "t", "c", prices_figure(run))], tmp_path / place) for place in "ab"
    ]
    assert [path.name for path in written[0]] == ["prices.png", "prices.svg"]
    for one, other in zip(*written, strict=True):
        assert one.read_bytes() == other.read_bytes()
    svg = written[0][1].read_text(encoding="utf-8")
    assert "price in CNY/kWh</text>" in svg
    assert "dc:date" not in svg


def test_a_place_that_takes_no_figures_is_an_error_in_words(days: Days, tmp_path: Path) -> None:
    (tmp_path / "figures").write_text("")
    with pytest.raises(RunError, match="figures cannot be written"):
        write_pictures([Picture("x", "t", "c", style.nothing_to_draw("x"))], tmp_path / "figures")


def test_a_run_without_figures_does_not_load_matplotlib() -> None:
    names = "market.app.cli.main, market.app.cli.run, market.app.report.summary.page"
    code = f"import sys, {names}; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_is_read_back_is_what_was_written(days: Days) -> None:
    run: RecordedRun = days.run("two")
    for name, records in run.tables.items():
        rows = days.rows("two", name)
        assert len(records) == len(rows)
        for column in records.columns:
            for told, row in zip(records[column].tolist(), rows, strict=True):
                text = row[column]
                assert told == text or (text == "" and told != told) or float(told) == float(text)
