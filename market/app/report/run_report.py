"""The report of one run as an HTML page: its sections and what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from market.app.figures.picture import Picture
from market.app.report.page import (
    Html,
    HtmlPage,
    ReportSection,
    bullets,
    callout,
    cards,
    number_text,
    paragraph,
    picture,
    table,
)
from market.app.results.columns import DAY_CERTIFICATE
from market.app.results.disclosed import NOT_SHOWN, Disclosed, disclosed
from market.app.results.flat import flat
from market.app.results.recorded import RecordedRun
from market.app.results.table import Cell
from market.app.results.written_files import foreign_note
from market.model.disclosure import Disclosure

MEANING = {
    "equilibrium": "No seller gains by another price and no buyer by another choice, up to the ε told below. "
    "That was checked by a search that shares no code with the negotiation.",
    "no_trade": "In no period can anybody trade: nobody sells, nobody buys, or there is no room for a price.",
    "cleared": "Prices and deliveries follow from what all have declared by the rule of the mechanism. That "
    "nobody would gain by declaring otherwise is not claimed; `vppmarket experiment mechanisms` measures it.",
    "uncertified": "Prices came to rest, but somebody would gain by moving: this is no equilibrium.",
    "cycling": "Prices go round in a circle; there is no equilibrium in prices to be found.",
    "budget_spent": "The sellers used up their offers before prices came to rest.",
    "stalled": "Somebody was waited for in vain; the negotiation did not end.",
    "aborted": "The run broke off.",
}
OF_CONSENSUS = {
    "equilibrium": "All agree to one price of each period. At these prices nobody would gain by another exchange "
    "more than its regret; all regrets together bound what any other exchange could still save.",
    "uncertified": "The search for prices ended before all agreed: some would gain by another exchange at these "
    "prices, by more than was asked for.",
}
"""The same where prices are agreed on."""
WHOLE_DAY = {
    "day_equilibrium": "The day is an equilibrium as a whole: nobody gains by planning it otherwise.",
    "settled": "The day is settled: its trade stands. It is not proved to be an equilibrium of whole days, since "
    "every VPP planned against the grid before it knew what trade would bring.",
}
SOUND = ("equilibrium", "no_trade", "cleared")
SCENARIOS = ("grid_only", "game")


def run_page(run: RecordedRun, pictures: Sequence[Picture]) -> HtmlPage:
    """The report of a run with its pictures, those of `day_pictures` and `network_pictures`."""
    by_name, day = {shown.name: shown for shown in pictures}, disclosed(run)
    days = [picture(shown) for name, shown in by_name.items() if name.startswith("dispatch_")]
    private = [vpp for vpp in day.members if not day.stages(vpp)]

    def shown(*names: str) -> list[Html]:
        return [picture(by_name[name]) for name in names if name in by_name]

    sections = (
        ReportSection("The result", list(_result(run, day))),
        ReportSection("The day ahead", [paragraph(_setting(run)), *shown("forecast")]),
        ReportSection("Who sells, who buys", [paragraph(ROLES), *shown("sdr"), _roles(run)]),
        ReportSection("Prices", [*shown("prices"), _prices(run), *shown("price_convergence")]),
        ReportSection("Whom buyers choose", [paragraph(CHOICE), *shown("probabilities", "convergence")]),
        ReportSection("Costs with and without trading", [*shown("costs"), _costs(run, day)]),
        ReportSection("Carbon", [paragraph(CARBON), *shown("carbon_steps"), _carbon(run, day)]),
        ReportSection(
            "Each VPP's day", [*days, *(paragraph(f"{vpp} does not show its plans.") for vpp in private)]
        ),
        ReportSection("Certificate", list(_certificate(run))),
        *([ReportSection("The day as a whole", list(whole_day(run)))] if DAY_CERTIFICATE in run.tables else []),
        ReportSection("Communication", [*_communication(run), *shown("network", "links")]),
        ReportSection("Rules and conditions", list(_conditions(run))),
    )
    return HtmlPage(f"Market day: {run.manifest['scenario']}", str(run.manifest.get("title", "")), sections)


ROLES = (
    "Before any trade each VPP plans its day with the grid alone. Where its own supply is more than its own "
    "demand it becomes a seller of that period, where it is less a buyer."
)
CHOICE = (
    "A buyer spreads its demand over the sellers. The more of it one seller already has, compared with that "
    "seller's share of the surplus, the less attractive the next block; so the dearer seller can be chosen more."
)
CARBON = (
    "Each VPP has a free quota for the energy it buys and makes. What it emits beyond is paid for, in steps that "
    "grow dearer; a VPP that stays below its quota earns."
)


def _result(run: RecordedRun, day: Disclosed) -> Iterator[Html]:
    manifest, verdict = run.manifest, str(run.manifest["verdict"])
    agreed = bool(manifest["day"] and manifest["day"]["agreed"])
    yield callout(
        f"{verdict.replace('_', ' ').capitalize()}. {meaning(verdict, agreed=agreed)}", good=verdict in SOUND
    )
    if note := foreign_note("This run's folder", run.foreign):
        yield callout(f"{note}.", good=False)
    if lost := ", ".join(manifest["withdrawn"]):
        told = "lost and not back before the end: the market is that of the others."
        yield callout(f"Without {lost}, {told}", good=False)
    yield from (callout(f"A law of settlement is broken: {law}", good=False) for law in manifest["broken_laws"])
    yield from _undisclosed(run, day)

    def change(column: str, unit: str, digits: int = 0) -> str:
        first, second = (run.account("system", scenario, column) for scenario in SCENARIOS)
        if first != first and second != second:
            return NOT_SHOWN
        return f"{number_text(first, digits, NOT_SHOWN)} → {number_text(second, digits, NOT_SHOWN)} {unit}"

    traded_mwh = float(run["selections"]["delivered_mw"].sum()) * run.period_h
    yield cards(
        [
            ("total cost of all VPPs, without → with trading", change("total_cny", "CNY")),
            ("carbon cost", change("carbon_cny", "CNY")),
            ("emission", change("emission_t", "t CO2", 2)),
            ("renewable energy curtailed", change("curtailed_mwh", "MWh", 2)),
            ("traded among VPPs", f"{traded_mwh:,.2f} MWh"),
            ("ε: most that anybody gains by moving", f"{manifest['epsilon_cny']:.2g} CNY"),
        ]
    )
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in manifest["periods"].items())
    yield paragraph(f"Periods: {counts}. Rounds of prices: {manifest['rounds']}.")


def meaning(verdict: str, *, agreed: bool) -> str:
    """A verdict in words. agreed : whether prices were agreed on, and not offered"""
    return OF_CONSENSUS.get(verdict, MEANING.get(verdict, "")) if agreed else MEANING.get(verdict, "")


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
    market = run.manifest["rules"]["market"]
    low, high = (market[f"price_{end}_cny_per_mwh"] / 1000 for end in ("min", "max"))
    return (
        f"{len(run.vpps)} VPPs, {run.period_count} periods of {run.period_h:g} h. VPPs may trade with each other "
        f"at {low:g} to {high:g} CNY/kWh, and within that never worse than with the grid: not below its feed-in "
        "price, not above its retail price."
    )


def _roles(run: RecordedRun) -> Html:
    rows: list[Sequence[Cell]] = [
        (vpp, *(ranges(own.where(role=role)["period"].tolist()) for role in ("seller", "buyer", "idle")))
        for vpp in run.vpps
        for own in [run["roles"].where(vpp=vpp)]
    ]
    return table(("VPP", "sells in periods", "buys in periods", "balanced in periods"), rows)


def ranges(periods: Sequence[int]) -> str:
    """Periods in short.

    >>> ranges([1, 2, 3, 7, 9, 10])
    '1–3, 7, 9–10'
    """
    runs: list[list[int]] = []
    for period in periods:
        if runs and runs[-1][-1] == period - 1:
            runs[-1].append(period)
        else:
            runs.append([period])
    return ", ".join(f"{r[0]}–{r[-1]}" if len(r) > 1 else f"{r[0]}" for r in runs)


def _prices(run: RecordedRun) -> Html:
    columns = (
        "period",
        "sellers",
        "supply / demand",
        "clearing price CNY/kWh",
        "lowest CNY/kWh",
        "highest CNY/kWh",
        "traded MWh",
        "traded for CNY",
    )
    rows = list(_price_rows(run))
    if not rows:
        return paragraph("Nobody offers anything to other VPPs on this day: the grid serves all.")
    return table(columns, rows, "Periods in which there is something to trade", digits=4)


def _price_rows(run: RecordedRun) -> Iterator[Sequence[Cell]]:
    clearing = run.by_period(run["periods"], "p_clr_cny_per_mwh")
    for period in run["offers"].distinct("period"):
        offers, bids = run["offers"].where(period=period), run["bids"].where(period=period)
        trades = run["selections"].where(period=period)
        prices = offers["price_cny_per_mwh"] / 1000
        yield (
            int(period),
            len(offers),
            float(offers["surplus_mw"].sum() / bids["deficit_mw"].sum()),
            float(clearing[period - 1]) / 1000,
            float(prices.min()),
            float(prices.max()),
            float(trades["delivered_mw"].sum()) * run.period_h,
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
        rows.append((name, *first, *second, first[-1] - second[-1]))
    caption = "CNY; payments among VPPs are negative for who earns"
    return table(columns, rows, caption, digits=0, sum_row=True, unknown=NOT_SHOWN)


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
        f"ε = {manifest['epsilon_cny']:.2g} CNY, {manifest['epsilon_relative']:.2g} of the value traded: the "
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
        rows.append((int(entry["period"]), verdict, *numbers, str(entry.get("evidence", ""))))
    columns = ("period", "verdict", "largest seller regret CNY", "largest buyer gain CNY", "HHI of sellers")
    if rows:
        yield table((*columns, "largest mark-up CNY/kWh", "evidence"), rows, digits=4)


def whole_day(run: RecordedRun) -> Iterator[Html]:
    """The day's certificate (M6)."""
    told, verdict = run.manifest[DAY_CERTIFICATE], str(run.manifest["day_verdict"])
    yield paragraph(WHOLE_DAY[verdict])
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
    processes = len(manifest["process_ids"])
    yield paragraph(f"{processes} processes, {manifest['counters'].get('sent', 0):,} messages sent.")
    if manifest.get("rest_time_s") is not None:
        yield paragraph(f"The market came to rest after {manifest['rest_time_s']:g} s of simulated time.")
    yield table(("condition", "value"), flat(manifest.get("conditions") or {}), "Network conditions")
    counted = {
        "messages": manifest["counters"],
        "refused": manifest["refused"],
        "refused by": manifest["refused_by_nodes"],
    }
    yield table(("counted", "number"), flat(counted), "What became of messages")
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
