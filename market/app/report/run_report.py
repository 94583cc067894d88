"""The report of one run as an HTML page: its sections and what they say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import Final, TypeAlias

import numpy as np

from market.app.figures.network import is_still
from market.app.figures.picture import Picture, Rendered
from market.app.report.page import (
    Html,
    HtmlPage,
    ReportSection,
    bullets,
    callout,
    cards,
    folded,
    number_text,
    paragraph,
    picture,
    table,
)
from market.app.report.run_words import (
    carbon_words,
    choice_words,
    meaning,
    price_words,
    reality_words,
    role_words,
    whole_day_words,
)
from market.app.report.terminal.numbers import money_bound, ranges, stretches
from market.app.results.columns import DAY_CERTIFICATE, IMBALANCE, STRATEGIES
from market.app.results.disclosed import NOT_SHOWN, Disclosed, disclosed
from market.app.results.flat import flat
from market.app.results.gains import gains, gains_at_agreed_prices, gains_text
from market.app.results.recorded import RecordedRun
from market.app.results.records import Records
from market.app.results.table import Cell
from market.app.results.telling import Telling
from market.app.results.units import CO2, ENERGY, ShownUnit, fitting
from market.app.results.written_files import foreign_note
from market.model.disclosure import Disclosure

SOUND = ("equilibrium", "no_trade", "cleared")
Drawing: TypeAlias = Picture | Rendered
SCENARIOS = ("grid_only", "game")
CNY = ShownUnit("CNY", 1.0)
NONE: Final = np.array([], dtype=np.int64)


def run_page(run: RecordedRun, pictures: Sequence[Drawing]) -> HtmlPage:
    """The report of a run with its pictures, those of `day_pictures` and `network_pictures`."""
    by_name, day = {shown.name: shown for shown in pictures}, disclosed(run)
    private, rules = [vpp for vpp in day.members if not day.stages(vpp)], run.manifest["rules"]

    choice = paragraph(choice_words(rules))

    def shown(*names: str) -> list[Html]:
        return [picture(by_name[name]) for name in names if name in by_name]

    sections = (
        ReportSection("The result", list(_result(run, day))),
        ReportSection("The day ahead", [paragraph(_setting(run)), *shown("forecast")]),
        ReportSection("Who sells, who buys", [paragraph(role_words(rules)), *shown("sdr"), _roles(run)]),
        ReportSection("Prices", [*shown("prices"), _prices(run), *shown("price_convergence")]),
        ReportSection("Whom buyers choose", [choice, *shown("probabilities", "convergence")]),
        ReportSection("Costs with and without trading", [*shown("costs"), _costs(run, day)]),
        ReportSection("Carbon", [paragraph(carbon_words(rules)), *shown("carbon_steps"), _carbon(run, day)]),
        ReportSection("Each VPP's day", [*_days(pictures), *_private(private)], folded=len(run.vpps) > MOST_OPEN),
        ReportSection("Certificate", list(_certificate(run)), folded=True),
        *([ReportSection("In reality", [*_reality(run), *shown("imbalance")])] if IMBALANCE in run.tables else []),
        *([ReportSection("The day as a whole", list(whole_day(run)))] if DAY_CERTIFICATE in run.tables else []),
        ReportSection(
            "Communication",
            [*_communication(run), *shown("messages", "delays", "network", "links"), *_counted(run)],
            folded=not run.manifest.get("network") or is_still(run),
        ),
        ReportSection("Rules and conditions", list(_conditions(run)), folded=True),
    )
    return HtmlPage(f"Market day: {run.manifest['scenario']}", str(run.manifest.get("title", "")), sections)


MOST_OPEN = 5
"""Days of single VPPs that are open to be seen; of more, each is opened by whoever wants to see it."""


def _days(pictures: Sequence[Drawing]) -> Iterator[Html]:
    """Each VPP's own picture, and that of all others together."""
    days = [shown for shown in pictures if shown.name.startswith(("dispatch_", "days_of_others"))]
    if len(days) <= MOST_OPEN:
        yield from map(picture, days)
        return
    yield from (folded(shown.title, [picture(shown)]) for shown in days)


def _private(vpps: Sequence[str]) -> Iterator[Html]:
    return (paragraph(f"{vpp} does not show its plans.") for vpp in vpps)


def _result(run: RecordedRun, day: Disclosed) -> Iterator[Html]:
    manifest, verdict = run.manifest, str(run.manifest["verdict"])
    agreed = bool(manifest["day"] and manifest["day"]["agreed"])
    periods = run.certificate.get("periods", [])
    found = gains_at_agreed_prices(verdict, manifest["day"]["regret_cny"]) if agreed else gains(periods)
    means = f"{meaning(verdict, agreed=agreed)} {gains_text(found)}".strip()
    yield callout(f"{verdict.replace('_', ' ').capitalize()}. {means}", good=verdict in SOUND)
    if note := foreign_note("This run's folder", run.foreign):
        yield callout(f"{note}.", good=False)
    if lost := ", ".join(manifest["withdrawn"]):
        told = "lost and not back before the end: the market is that of the others."
        yield callout(f"Without {lost}, {told}", good=False)
    yield from (callout(f"A law of settlement is broken: {law}", good=False) for law in manifest["broken_laws"])
    yield from _undisclosed(run, day)

    def change(column: str, unit: ShownUnit) -> str:
        first, second = (run.account("system", scenario, column) * unit.factor for scenario in SCENARIOS)
        if first != first and second != second:
            return NOT_SHOWN
        return f"{_amount(first)} → {_amount(second)} {unit.name}"

    traded_mwh = float(run["selections"]["delivered_mw"].sum()) * run.period_h
    curtailed = [run.account("system", scenario, "curtailed_mwh") for scenario in SCENARIOS]
    energy = fitting(ENERGY, max(traded_mwh, float(np.nan_to_num(curtailed).max())))
    mass = fitting(CO2, float(np.nan_to_num([run.account("system", s, "emission_t") for s in SCENARIOS]).max()))
    yield cards(
        [
            ("total cost of all VPPs, without → with trading", change("total_cny", CNY)),
            ("carbon cost", change("carbon_cny", CNY)),
            ("emission", change("emission_t", mass)),
            ("renewable energy curtailed", change("curtailed_mwh", energy)),
            ("traded among VPPs", f"{number_text(traded_mwh * energy.factor)} {energy.name}"),
            ("ε: most that anybody gains by moving", money_bound(manifest["epsilon_cny"])),
        ]
    )
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in manifest["periods"].items())
    yield paragraph(f"Periods: {counts}. Rounds of prices: {manifest['rounds']}.")
    if STRATEGIES in run.tables:
        regrets = run[STRATEGIES]
        each = (regrets[column].tolist() for column in ("vpp", "selling_regret_cny", "buying_regret_cny"))
        rows = zip(*each, strict=True)
        yield strategies((vpp, manifest[STRATEGIES][vpp], prices, choices) for vpp, prices, choices in rows)


def strategies(rows: Iterable[tuple[str, str, float, float]]) -> Html:
    """Who plays which strategy of its owner's own, and what it has lost: by its prices, by its choices, CNY."""
    columns = ("VPP", "strategy", "lost by its prices CNY", "lost by its choices CNY")
    return table(columns, rows, "Strategies of the owners' own, against best replies to the others as they ended")


def _amount(value: float) -> str:
    """A sum in whole numbers, a small one in hundredths; rounding dust is nothing."""
    value = _without_dust(value)
    return number_text(value, 0 if abs(value) >= 1000.0 or value == 0.0 else 2, NOT_SHOWN)


DUST = 1e-6  # below it is what sums of doubles leave behind


def _without_dust(value: float) -> float:
    return 0.0 if abs(value) < DUST else value


def _digits(amounts_cny: Iterable[float]) -> int:
    """Digits behind the point with which the largest of these sums has three figures or more."""
    largest = max((abs(amount) for amount in amounts_cny if isfinite(amount)), default=0.0)
    return 0 if largest >= 1000.0 else 2 if largest >= 1.0 else 4


def _undisclosed(run: RecordedRun, day: Disclosed) -> Iterator[Html]:
    """Who does not show all of its day, and what could not be checked therefore."""
    totals, nothing = day.at(Disclosure.TOTALS), day.at(Disclosure.NONE)
    if totals:
        yield paragraph(f"Shown as totals only, without plans: {', '.join(totals)}.")
    if nothing:
        yield paragraph(f"Not shown: what the day of {', '.join(nothing)} comes to, beside payments for trade.")
    for entry in run.manifest.get("laws_not_checked", []):
        yield paragraph(f"Not checked: that {entry['law']}. {', '.join(entry['vpps'])}: not shown by them.")


def _setting(run: RecordedRun) -> str:
    size = f"{len(run.vpps)} VPPs, {run.period_count} periods of {run.period_h:g} h."
    return f"{size} {price_words(run.manifest['rules'])}"


def _roles(run: RecordedRun) -> Html:
    own = run["roles"].by("vpp", "role")
    rows: list[Sequence[Cell]] = [
        (vpp, *(_stretches(run.told, _periods(own.get((vpp, role)))) for role in ("seller", "buyer", "idle")))
        for vpp in run.vpps
    ]
    return table(("VPP", "sells in periods", "buys in periods", "balanced in periods"), rows)


def _periods(rows: Records | None) -> list[int]:
    return [] if rows is None else [int(period) for period in rows["period"]]


def _stretches(told: Telling, periods: Sequence[int]) -> str:
    """Periods in short, each stretch with when it begins and ends where that is known."""
    if not told.starts:
        return ranges(periods)
    ends = told.ends
    return ", ".join(
        f"{ranges(range(first, last + 1))} ({told.clocks[first - 1]}–{ends[last - 1]})"
        for first, last in stretches(periods)
    )


def _prices(run: RecordedRun) -> Html:
    traded = run["selections"]["delivered_mw"]
    energy = fitting(ENERGY, float(traded.max(initial=0.0)) * run.period_h)
    columns = (
        *_period_columns(run),
        "sellers",
        "supply / demand",
        "clearing price CNY/kWh",
        "lowest CNY/kWh",
        "highest CNY/kWh",
        f"traded {energy.name}",
        "traded for CNY",
    )
    rows = list(_price_rows(run, energy))
    if not rows:
        return paragraph("Nobody offers anything to other VPPs on this day: the grid serves all.")
    return table(columns, rows, "Periods in which there is something to trade", digits=4)


def _period_columns(run: RecordedRun) -> tuple[str, ...]:
    """A period's number, and when it begins where that is known."""
    return ("period", run.told.axis) if run.told.starts else ("period",)


def _period_cells(run: RecordedRun, period: int) -> tuple[Cell, ...]:
    return (period, run.told.clocks[period - 1]) if run.told.starts else (period,)


def _price_rows(run: RecordedRun, energy: ShownUnit) -> Iterator[Sequence[Cell]]:
    clearing = run.by_period(run["periods"], "p_clr_cny_per_mwh")
    asked, taken = run["bids"].by("period"), run["selections"].by("period")
    for (period,), offers in run["offers"].by("period").items():
        bids, trades = asked[period,], taken.get((period,), run["selections"].only(NONE))
        prices = offers["price_cny_per_mwh"] / 1000
        yield (
            *_period_cells(run, int(period)),
            len(offers),
            float(offers["surplus_mw"].sum() / bids["deficit_mw"].sum()),
            float(clearing[period - 1]) / 1000,
            float(prices.min()),
            float(prices.max()),
            float(trades["delivered_mw"].sum()) * run.period_h * energy.factor,
            float(trades["payment_cny"].sum()),
        )


def _costs(run: RecordedRun, day: Disclosed) -> Html:
    columns = (
        *("VPP", "operation, grid only", "carbon, grid only", "total, grid only"),
        *("operation, trading", "trade, trading", "carbon, trading", "total, trading", "trading saves"),
    )
    rows: list[Sequence[Cell]] = []
    for name, vpp in _accounts(day):
        first = [run.account(vpp, "grid_only", c) for c in ("operation_cny", "carbon_cny", "total_cny")]
        second = [run.account(vpp, "game", c) for c in ("operation_cny", "trade_cny", "carbon_cny", "total_cny")]
        rows.append((name, *map(_without_dust, (*first, *second, first[-1] - second[-1]))))
    caption = "CNY; payments among VPPs are negative for who earns"
    digits = _digits(float(cell) for row in rows[:-1] for cell in row[1:])
    return table(columns, rows, caption, digits=digits, sum_row=True, unknown=NOT_SHOWN)


def _reality(run: RecordedRun) -> Iterator[Html]:
    """What became of the plans: what deviations cost, and who pays more with trade than without."""
    told, lost = run.manifest[IMBALANCE], run.manifest[IMBALANCE]["losers"]
    yield paragraph(reality_words(run.manifest["rules"]))
    count = f"{len(lost)} of {len(told['compared'])} VPPs"
    yield callout(
        f"By trade {count} pay more in fact than without: {', '.join(lost)}."
        if lost
        else f"By trade nobody of {len(told['compared'])} VPPs pays more in fact than without.",
        good=not lost,
    )
    if told["missed_mwh"]:
        yield callout(
            f"{number_text(told['missed_mwh'], 3)} MWh of load could not be served, or of output go nowhere.",
            good=False,
        )
    columns = (
        *("VPP", "planned, grid only", "in fact, grid only", "of it imbalance"),
        *("planned, trading", "in fact, trading", "of it imbalance", "trading saved"),
    )
    rows: list[Sequence[Cell]] = []
    for vpp in (*run["imbalance"].distinct("vpp"), "system"):
        cells = [
            run.account(vpp, f"{scenario}{ending}", column)
            for scenario in SCENARIOS
            for ending, column in (("", "total_cny"), ("_realised", "total_cny"), ("_realised", "imbalance_cny"))
        ]
        rows.append(("all" if vpp == "system" else vpp, *map(_without_dust, (*cells, cells[1] - cells[4]))))
    digits = _digits(float(cell) for row in rows[:-1] for cell in row[1:])
    yield table(columns, rows, "CNY in all", digits=digits, sum_row=True, unknown=NOT_SHOWN)


def _carbon(run: RecordedRun, day: Disclosed) -> Html:
    columns = (
        *("VPP", "emission t, grid only", "emission t, trading", "quota t, grid only", "quota t, trading"),
        *(
            "carbon cost CNY, grid only",
            "carbon cost CNY, trading",
            "curtailed MWh, grid only",
            "curtailed MWh, trading",
        ),
    )
    quantities = ("emission_t", "quota_t", "carbon_cny", "curtailed_mwh")
    rows: list[Sequence[Cell]] = [
        (name, *(run.account(vpp, scenario, c) for c in quantities for scenario in SCENARIOS))
        for name, vpp in _accounts(day)
    ]
    return table(columns, rows, sum_row=True, unknown=NOT_SHOWN)


def _accounts(day: Disclosed) -> Iterator[tuple[str, str]]:
    """(as it is called in a table, as it is in `costs`) for each VPP, then for all of them."""
    yield from zip(day.members, day.members, strict=True)
    yield "all", "system"


def _certificate(run: RecordedRun) -> Iterator[Html]:
    manifest = run.manifest
    yield paragraph(
        f"ε: {money_bound(manifest['epsilon_cny'])}, {manifest['epsilon_relative']:.2g} of the value traded: the "
        "largest gain that any seller could have by another price, or any buyer by another choice, in any period."
    )
    rows: list[Sequence[Cell]] = []
    for entry in run.certificate.get("periods", []):
        if "sellers" not in entry:
            continue
        regret = max((s["regret_cny"] for s in entry["sellers"]), default=0.0)
        gain = max((b["gain_cny"] for b in entry["buyers"]), default=0.0)
        markup = max((s["markup_cny_per_mwh"] for s in entry["sellers"]), default=0.0) / 1000
        hhi = float("nan") if entry.get("hhi") is None else float(entry["hhi"])
        numbers = (float(regret), float(gain), hhi, markup)
        verdict = str(entry["verdict"]).replace("_", " ")
        rows.append((*_period_cells(run, int(entry["period"])), verdict, *numbers, str(entry.get("evidence", ""))))
    columns = (
        *_period_columns(run),
        "verdict",
        "largest seller regret CNY",
        "largest buyer gain CNY",
        "HHI of sellers",
    )
    if rows:
        yield table((*columns, "largest mark-up CNY/kWh", "evidence"), rows, digits=4)


def whole_day(run: RecordedRun) -> Iterator[Html]:
    """The day's certificate (M6)."""
    told, verdict = run.manifest[DAY_CERTIFICATE], str(run.manifest["day_verdict"])
    yield paragraph(whole_day_words(verdict, run.manifest["rules"]))
    share = told["upper_share_of_saving"]
    part = "" if share is None else f": at most {share:.1%} of what cooperation would save"
    yield paragraph(
        "What each VPP could have gained by planning its whole day anew, the others' final messages given. The "
        "lower bound is a day that was found, no day gains more than the upper one. All together "
        f"{told['regret_lower_cny']:,.1f} CNY were found{part}."
    )
    day = run[DAY_CERTIFICATE]
    numbers = (day[column].tolist() for column in ("cost_cny", "regret_lower_cny", "regret_upper_cny"))
    rows: list[Sequence[Cell]] = list(zip(day["vpp"].tolist(), *numbers, strict=True))
    yield table(("VPP", "cost CNY", "gain found CNY", "gain at most CNY"), rows, digits=2)


def _communication(run: RecordedRun) -> Iterator[Html]:
    manifest = run.manifest
    if manifest["in_process"]:
        yield paragraph("The day was solved in one process, without messages.")
        return
    processes = len({*manifest["process_ids"].values()})
    yield paragraph(f"{processes} processes, {manifest['counters'].get('sent', 0):,} messages sent.")
    if manifest.get("network") and is_still(run):
        yield paragraph("The network was perfect: every message reached everybody at once.")
        return
    if manifest.get("rest_time_s") is not None:
        clock = "real" if manifest["time_mode"] == "wall" else "simulated"
        yield paragraph(f"The market came to rest after {manifest['rest_time_s']:.4g} s of {clock} time.")


def _counted(run: RecordedRun) -> Iterator[Html]:
    """Conditions and counts in figures, of what there was any."""
    manifest = run.manifest
    if manifest["in_process"]:
        return
    yield folded("Network conditions", [table(("condition", "value"), flat(manifest.get("conditions") or {}))])
    counted = {
        "messages": manifest["counters"],
        "refused": manifest["refused"],
        "refused by": manifest["refused_by_nodes"],
    }
    happened = [(what, number) for what, number in flat(counted) if number not in ("0", "none")]
    yield table(("counted", "number"), happened, "What became of messages")
    if manifest["durations_s"]:
        yield table(("stage", "seconds"), flat(manifest["durations_s"]), "Real time of each stage")


def _conditions(run: RecordedRun) -> Iterator[Html]:
    manifest = run.manifest
    yield table(("rule", "value"), flat(manifest["rules"]), "Rules in force")
    identity = {
        name: manifest.get(name) for name in ("scenario", "scenario_digest", "public_digest", "seed", "started")
    }
    yield table(("run", "value"), flat(identity), "What was run")
    yield table(("software", "version"), flat(manifest["versions"]), "By what")
    yield bullets(
        [
            "Every number stands in full precision in the CSV tables beside this page.",
            "The same scenario and seed give the same tables, on one kind of machine with the same versions.",
        ]
    )
