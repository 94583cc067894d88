"""Claims: pictures are right at any size. No text is cut off or lies upon another, no datum is outside its axes,
and what is too much to be told apart is grouped, under names that differ."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text

from market.app.analysis.network_grid import GridPoint, GridResult
from market.app.figures import style
from market.app.figures.costs import MOST_ROWS, costs_figure
from market.app.figures.day import MOST_DAYS, day_pictures, dispatched_by_name
from market.app.figures.designs import designs_figure
from market.app.figures.dispatch import dispatch_figure
from market.app.figures.economics import economics_figure
from market.app.figures.forecast import MOST_PANELS, forecast_figure, forecasts
from market.app.figures.named import CHIEF, styles_of
from market.app.figures.names import short_names
from market.app.figures.network import network_pictures
from market.app.figures.network_grid import grid_figure
from market.app.figures.picture import Picture
from market.app.figures.probabilities import probabilities_figure
from market.app.figures.sweep import sweep_figure
from market.app.figures.told import told_pictures
from market.app.results.disclosed import disclosed
from market.app.results.recorded import RecordedRun
from market.app.results.table import Table
from market.app.results.telling import Telling
from market.model.rules import Horizon
from scripts.bench.days_of_size import HOURS, MOST_OVER_BUS, day_of_size, repeated
from tests.app.picture_faults import faults
from tests.sampling import law

LAW = law(200)
SIZES = (2, 5, 12, 30, 100)
LENGTHS = (24, 96, 672)
MANY = MOST_OVER_BUS + 1
"""Of so many the day is solved at once, not played message by message."""
KINDS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "long ids": {"long_ids": True},
    "households": {"power_scale": 0.001},
    "perfect network": {"perfect": True},
}


@cache
def day(vpps: int, kind: str) -> RecordedRun:
    return day_of_size(vpps, **KINDS[kind])


def some_pictures(run: RecordedRun) -> list[Picture]:
    """All but those of single days, which are drawn alike: of these two."""
    single = [f"dispatch_{vpp}" for vpp in dispatched_by_name(run, disclosed(run))]
    pictures = [*day_pictures(run), *network_pictures(run)]
    return [picture for picture in pictures if picture.name not in single[2:]]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("periods", LENGTHS)
@pytest.mark.parametrize("vpps", SIZES)
def test_no_picture_of_any_size_has_a_fault(vpps: int, periods: int, kind: str) -> None:
    pictures = some_pictures(repeated(day(vpps, kind), periods // HOURS))
    assert len(pictures) >= 8
    assert {picture.name: found for picture in pictures if (found := faults(picture.figure))} == {}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("start", ["2024-10-27T00:00+02:00", "2024-03-31T00:00+01:00", "2024-10-26T07:15+02:00"])
@pytest.mark.parametrize("periods", LENGTHS)
def test_no_picture_by_the_clock_has_a_fault(periods: int, start: str) -> None:
    """On the days on which clocks change an hour comes twice, or never; a day need not begin at a full hour."""
    horizon = Horizon(periods, 1.0 if periods == HOURS else 0.25, start, "Europe/Berlin")
    pictures = [
        *told_pictures(some_pictures(repeated(day(5, "as it is"), periods // HOURS)), Telling(horizon=horizon))
    ]
    words = [text.get_text() for picture in pictures for text in picture.figure.findobj(Text)]
    assert "time, Europe/Berlin" in words
    assert {picture.name: found for picture in pictures if (found := faults(picture.figure))} == {}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("periods", [24, 96, 120, 672])
def test_what_is_hatched_in_the_legend_is_hatched_in_the_picture_whatever_its_length(periods: int) -> None:
    """So charging is told from discharging; and what hangs down ends above the lower edge."""
    run = repeated(day(5, "as it is"), periods // HOURS)
    for vpp in run.vpps:
        figure = dispatch_figure(run, vpp)
        meant = {p.get_hatch() for legend in figure.legends for p in legend.get_patches()}
        drawn_too = {p.get_hatch() for ax in figure.axes for p in ax.patches}
        assert meant <= drawn_too
        for ax in figure.axes[:2]:
            lowest = ax.dataLim.y0
            assert lowest >= 0.0 or ax.get_ylim()[0] < lowest


def test_what_is_wrong_with_a_picture_is_found() -> None:
    assert faults(drawn(lambda ax: ax.plot([0.0, 1.0], [0.0, 1.0]))) == []
    beyond = drawn(lambda ax: ax.text(0.9, 0.5, "beyond the edge of the picture").set_in_layout(False))
    assert "cut off" in faults(beyond)[0]
    twice = faults(drawn(lambda ax: (ax.text(0.4, 0.5, "here"), ax.text(0.41, 0.5, "there"))))
    assert "overlap" in twice[0]
    (outside,) = faults(drawn(lambda ax: (ax.plot([0.0, 1.0], [0.0, 5.0]), ax.set_ylim(0.0, 1.0))))
    assert "data from 0 to 5, shown from 0 to 1" in outside


def drawn(draw: Callable[[Any], object]) -> Figure:
    figure = style.new_figure(2.0, 4.0)
    draw(figure.subplots())
    return figure


# --- grouping ---


def test_of_many_vpps_the_largest_are_named_and_the_others_are_one() -> None:
    run = day(MANY, "as it is")
    shown = forecasts(run)
    assert len(shown) == MOST_PANELS
    assert shown[-1].title == f"{MANY - MOST_PANELS + 1} others"
    plans = run["dispatch"].where(stage=1)
    loads = np.bincount(plans["period"] - 1, plans["load_mw"])
    assert sum(each.load_mw for each in shown) == pytest.approx(loads)
    assert len(forecast_figure(run).axes) == MOST_PANELS + 1
    assert len(styles_of(run)) == CHIEF
    assert len(probabilities_figure(run).axes) == MOST_PANELS
    named = dispatched_by_name(run, disclosed(run))
    assert len(named) < MOST_DAYS < MANY
    assert [picture.name for picture in day_pictures(run)][-1] == "days_of_others"


def test_all_shares_of_a_buyer_make_up_one_however_many_sell() -> None:
    for ax in probabilities_figure(day(MANY, "as it is")).axes:
        tops = np.array([patch.get_data().values for patch in ax.patches])  # type: ignore[attr-defined]
        highest = np.nanmax(np.where(np.isnan(tops), -1.0, tops), axis=0)
        assert highest[highest >= 0.0] == pytest.approx(1.0)


def test_costs_of_a_hundred_vpps_stand_in_so_many_rows() -> None:
    bars = costs_figure(day(100, "as it is")).axes[0].containers[0]
    assert len(bars) == MOST_ROWS


def test_units_fit_households() -> None:
    run = day(5, "households")
    labels = {ax.get_ylabel() for ax in forecast_figure(run).axes}
    assert "kW" in labels
    assert "MW" not in labels


LETTERS = st.text(st.characters(codec="ascii", categories=("Lu", "Ll", "Nd")), min_size=1, max_size=32)


@LAW
@given(st.lists(LETTERS, min_size=1, max_size=30, unique=True), st.integers(4, 20))
def test_short_names_differ_and_are_as_short_as_that_allows(names: list[str], most: int) -> None:
    short = short_names(names, most)
    assert list(short) == names
    assert len(set(short.values())) == len(names)
    for name, cut in short.items():
        front, gap, back = cut.partition("…")
        assert cut == name if not gap else name.startswith(front) and name.endswith(back) and len(cut) < len(name)


def test_names_alike_but_for_their_ends_are_cut_in_the_middle() -> None:
    names = [f"plant-of-the-north-quarter-{number:05d}" for number in range(100)]
    short = short_names(names)
    assert max(map(len, short.values())) == 18
    assert all(cut.startswith("plant") and cut.endswith(name[-3:]) for name, cut in short.items())


# --- studies ---


@pytest.mark.sampled(2)
@pytest.mark.parametrize("long_ids", [False, True])
@pytest.mark.parametrize("vpps", SIZES)
def test_no_picture_of_a_study_has_a_fault(vpps: int, long_ids: bool) -> None:
    name = "plant-of-the-north-quarter-{:05d}" if long_ids else "VPP{}"
    ids = [name.format(k) for k in range(vpps)]
    draw = np.random.default_rng(vpps)
    assert faults(economics_figure(economics_tables(ids, draw))) == []
    gains = Table(
        "economics_design_gains",
        ("vpp", "once_gain_cny", "iterate_gain_cny", "consensus_gain_cny"),
        tuple((vpp, *draw.uniform(-100, 9000, 3).tolist()) for vpp in ids),
    )
    designs = Table(
        "economics_designs",
        ("design", "saving_cny", "share_of_possible_saving"),
        tuple((d, 1e4 * k, 0.3 * k) for k, d in enumerate(("grid_only", "once", "iterate", "consensus"))),
    )
    assert faults(designs_figure(designs, gains)) == []


def economics_tables(ids: list[str], draw: np.random.Generator) -> dict[str, Table]:
    parts = ("selling_margin_cny", "buying_margin_cny", "carbon_saving_cny", "replanning_cny")
    gains = tuple((vpp, *draw.uniform(-500, 9000, len(parts)).tolist()) for vpp in ids)
    return {
        "welfare": Table(
            "economics_welfare",
            ("arrangement", "operation_cny", "carbon_cny"),
            tuple((k, 1e5 - 1e4 * k, 1e4 - 1e3 * k) for k in range(4)),
        ),
        "gains": Table("economics_gains", ("vpp", *parts), (*gains, ("system", 0.0, 0.0, 0.0, 0.0))),
        "periods": Table(
            "economics_periods",
            ("mean_markup_cny_per_mwh", "hhi_delivered"),
            tuple((float(draw.uniform(0, 90)), float(draw.uniform(0, 1))) for _ in range(96)),
        ),
    }


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_no_picture_of_a_sweep_has_a_fault(scale: float) -> None:
    columns = (
        *("value", "grid_only_total_cny", "game_total_cny", "grid_only_carbon_cny", "game_carbon_cny"),
        *("saving_cny", "mean_price_cny_per_mwh"),
    )
    rows = tuple((scale * k, *(scale * (1e5 + k * j) for j in range(6))) for k in range(1, 9))
    assert faults(sweep_figure("carbon growth, share", 3.0 * scale, Table("s", columns, rows))) == []


DELAYS: dict[str, dict[str, float]] = {
    "constant": {"0ms": 0.0, "10ms": 0.01, "50ms": 0.05, "200ms": 0.2, "1s": 1.0},
    "drawn": {"0ms": 0.0, "lognormal:50ms:0.5": float("nan"), "uniform:10ms:90ms": float("nan")},
}


@pytest.mark.parametrize("delays", DELAYS)
def test_no_picture_of_a_grid_has_a_fault(delays: str) -> None:
    runs = [
        GridResult(GridPoint(delay, delay_s, loss, seed), "equilibrium", 0, outcome(number), 9, 1.0, 0.0)
        for number, (delay, delay_s) in enumerate(DELAYS[delays].items())
        for loss in ("0", "0.4")
        for seed in (0, 1)
    ]
    assert faults(grid_figure(runs)) == []


def outcome(number: int) -> dict[str, float]:
    return {"sent": 900.0 + 100 * number, "time_to_equilibrium_s": 0.3 * number}
