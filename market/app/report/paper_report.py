"""The report of the paper's case study, in words, tables and pictures. It computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from market.app.figures.day import day_drawings
from market.app.figures.picture import Picture, Rendered
from market.app.report.page import (
    Html,
    HtmlPage,
    ReportSection,
    bullets,
    callout,
    cards,
    paragraph,
    picture,
    table,
)
from market.app.results.recorded import RecordedRun
from market.app.results.table import Cell, Table

PAPER_FIGURES = {
    "forecast": "figure5_forecast",
    "dispatch_VPP1": "figure6a_dispatch_VPP1",
    "dispatch_VPP5": "figure6b_dispatch_VPP5",
    "prices": "figure7_prices",
    "probabilities": "figure8_probabilities",
    "convergence": "figure9_convergence",
}
RECONSTRUCTED = (
    "The data of the five VPPs are a reconstruction, not the paper's: its profiles and parameters are pictures. "
    "Where a number agrees, that is chance or calibration."
)
KINDS = (
    "input: a number of the paper that was put in",
    "theorem: follows from the model's equations, whatever the data",
    "calibrated: the reconstructed data were shaped until it came about",
    "finding: came out of the run without being aimed at",
)
Tables = Mapping[str, Table]


def paper_pictures(run: RecordedRun, part: slice = slice(None)) -> Iterator[Picture]:
    """A run's pictures, or some, each drawn when it is asked for; those of the paper under its numbers."""
    return (_numbered(draw()) for draw in day_drawings(run)[part])


def paper_page(title: str, tables: Tables, pictures: Sequence[Rendered]) -> HtmlPage:
    """The story. `tables` of the study by name, `pictures` of the run and of the study."""
    shown = {drawing.name: drawing for drawing in pictures}
    sections = (
        ("What was done", _what(tables)),
        ("Published and computed", _facts(tables)),
        ("The data", _data(tables, shown)),
        ("Carbon: Models 1 to 4", _models(tables, shown)),
        ("The plans before trade", _plans(shown)),
        ("The game", _game(tables, shown)),
        ("Scenarios 1 and 2", _scenarios(tables, shown)),
        ("What the market is worth", _economics(tables, shown)),
        ("How firm it is", _robustness(tables, shown)),
        ("Sensitivities", _sensitivities(tables, shown)),
    )
    return HtmlPage(
        "The paper's case study, published and computed",
        f"{title}. After Chu, An, Zhu, Wang and Deng, Frontiers in Energy Research 11 (2023) 1152032.",
        [ReportSection(name, list(blocks)) for name, blocks in sections],
    )


def _numbered(shown: Picture) -> Picture:
    name = PAPER_FIGURES.get(shown.name)
    if name is None:
        return shown
    number = name.removeprefix("figure").split("_")[0]
    return replace(shown, name=name, title=f"Figure {number}: {shown.title}")


def _what(tables: Tables) -> Iterator[Html]:
    facts = tables["facts"]
    holds = [row[facts.columns.index("holds")] for row in facts.rows]
    yield cards(
        [
            ("statements of the paper that hold", f"{holds.count('yes')} of {len(holds)}"),
            ("saved by the game", f"{_saved(tables, 'total_cny'):,.0f} CNY"),
            ("of which carbon", f"{_saved(tables, 'carbon_cny'):,.0f} CNY"),
        ]
    )
    yield callout(RECONSTRUCTED, good=False)
    yield paragraph(
        "Five virtual power plants plan a day against the grid, with a price of carbon that rises in steps. Who "
        "has energy to spare in an hour sells to who lacks it: sellers set prices, buyers spread their demand. "
        "VPP1 alone is planned under four ways to price carbon (Models 1 to 4); the system is settled with the "
        "grid only (Scenario 1) and with the game (Scenario 2)."
    )


def _facts(tables: Tables) -> Iterator[Html]:
    facts = tables["facts"]
    failing = [row for row in facts.rows if row[facts.columns.index("holds")] == "no"]
    yield paragraph("Every statement and number of the paper's text about its case, as far as the text has it.")
    if failing:
        yield callout(
            f"{len(failing)} do not hold: {'; '.join(f'{row[0]} {row[1]}' for row in failing)}.", good=False
        )
    yield table(("", *facts.columns[1:]), facts.rows)
    yield paragraph("Why a fact may hold:")
    yield bullets(KINDS)


def _data(tables: Tables, shown: Mapping[str, Rendered]) -> Iterator[Html]:
    yield from _pictures(shown, "figure5_forecast")
    yield _whole(tables["table1"], "Table 1: what a VPP pays to the grid and gets from it, CNY/MWh")


def _models(tables: Tables, shown: Mapping[str, Rendered]) -> Iterator[Html]:
    yield paragraph(
        "Each model has a bill of its own, so totals say little about each other. The columns stepped_… bill all "
        "four plans by the same steps: then Model 4 is the cheapest, since it alone minimises that bill."
    )
    yield _whole(tables["table2"], "Table 2: VPP1 alone, Models 1 to 4")
    yield from _pictures(shown, "models", "carbon_steps")


def _plans(shown: Mapping[str, Rendered]) -> Iterator[Html]:
    yield from _pictures(shown, "figure6a_dispatch_VPP1", "figure6b_dispatch_VPP5", "sdr")


def _game(tables: Tables, shown: Mapping[str, Rendered]) -> Iterator[Html]:
    yield from _pictures(shown, "figure7_prices", "figure8_probabilities")
    yield _whole(tables["table3"], "Table 3: resources of each VPP at t = 10, MW")
    yield _whole(tables["table4"], "Table 4: how buyers choose at t = 10", digits=4)
    yield from _pictures(shown, "figure9_convergence", "price_convergence")


def _scenarios(tables: Tables, shown: Mapping[str, Rendered]) -> Iterator[Html]:
    yield _whole(tables["table5"], "Table 5: costs with the grid only (1) and with the game (2)")
    yield from _pictures(shown, "costs")


def _economics(tables: Tables, shown: Mapping[str, Rendered]) -> Iterator[Html]:
    yield paragraph(
        "Cooperation is one joint plan of all VPPs with free exchange: no market can do better. The game stays "
        "below it, since roles are fixed before prices are known. grid_only_flat_carbon is the other reading of "
        "Scenario 1."
    )
    yield from _pictures(shown, "economics")
    yield _whole(tables["economics_welfare"], "The system under four arrangements")
    yield _whole(tables["economics_gains"], "What trade saves each VPP, and from where", sum_row=True)
    yield _whole(tables["economics_periods"], "Each period's market")


def _robustness(tables: Tables, shown: Mapping[str, Rendered]) -> Iterator[Html]:
    if "robustness" not in tables:
        yield paragraph("Not tried: no draws were asked for.")
        return
    yield from _pictures(shown, "robustness")
    yield _whole(tables["robustness"], "Share of draws in which each fact holds")


def _sensitivities(tables: Tables, shown: Mapping[str, Rendered]) -> Iterator[Html]:
    for name, moved in tables.items():
        if name.startswith("sensitivity_"):
            yield from _pictures(shown, name)
            kept = [k for k, column in enumerate(moved.columns) if column not in ("parameter", "base")]
            yield table([moved.columns[k] for k in kept], [_short(row, kept) for row in moved.rows])


def _pictures(shown: Mapping[str, Rendered], *names: str) -> Iterator[Html]:
    yield from (picture(shown[name]) for name in names if name in shown)


def _whole(whole: Table, caption: str, *, digits: int = 2, sum_row: bool = False) -> Html:
    return table(whole.columns, whole.rows, caption, digits=digits, sum_row=sum_row)


def _short(row: Sequence[Cell], kept: Sequence[int]) -> list[Cell]:
    return [row[k] for k in kept]


def _saved(tables: Tables, column: str) -> float:
    table5 = tables["table5"]
    row = next(row for row in table5.rows if row[:2] == ("system", "1 less 2"))
    return float(row[table5.columns.index(column)])
