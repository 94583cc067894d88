"""The facts that the paper states of its case study: published numbers beside computed ones, and which hold.

Every fact is a pure function of the evidence and must be able to say no.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import fsum, sqrt

from market.app.analysis.paper.evidence import Evidence, Row, number_of
from market.app.results.table import Table

VPPS = ("VPP1", "VPP2", "VPP3", "VPP4", "VPP5")
DAYLIGHT = range(7, 18)
NIGHT = frozenset({1, 2, 3, 4, 5, 6, 23, 24})
NOTHING_MW = 1e-9

# When a published number counts as met: within this share of it (probabilities: by this much).
NUMBER_TOLERANCE = 0.05
PROBABILITY_TOLERANCE = 0.005
SIGNIFICANT = 0.05  # share of the total from which a change is called significant
SAME_ORDER = sqrt(10.0)
QUICK_STEPS, QUICK_DISTANCE = 20, 1e-3


class FactKind(StrEnum):
    """Why a fact may hold, so that no reader takes more from it than there is."""

    INPUT = "input"  # a number of the paper that was put in
    THEOREM = "theorem"  # follows from the model's equations, whatever the data
    CALIBRATED = "calibrated"  # the reconstructed data were chosen so that it comes about
    FINDING = "finding"  # came out of a run, without the data being chosen for it


@dataclass(frozen=True, slots=True)
class Fact:
    """One part of one fact. `published` is what the paper says, `computed` what the run says, for people."""

    id: str
    statement: str
    published: str
    computed: str
    holds: bool
    kind: FactKind
    remark: str = ""


Facts = Iterator[Fact]


def all_facts(evidence: Evidence) -> tuple[Fact, ...]:
    """F1 to F10, every part."""
    return tuple(fact for group in GROUPS for fact in group(evidence))


def facts_table(facts: Sequence[Fact]) -> Table:
    """Published beside computed."""
    columns = ("id", "statement", "published", "computed", "holds", "kind", "remark")
    rows = (
        (f.id, f.statement, f.published, f.computed, "yes" if f.holds else "no", f.kind.value, f.remark)
        for f in facts
    )
    return Table("facts", columns, tuple(rows))


def f1(evidence: Evidence) -> Facts:
    """At t = 2 VPP5 alone sells, to the other four."""
    sellers = _sellers(evidence, 2)
    served = _served(evidence, 2, "VPP5")
    remark = "VPP4's night wind is kept below its load until hour 3, nobody else has any supply worth 400 CNY/MWh"
    yield Fact(
        "F1.1", "t = 2: the only seller", "VPP5", _names(sellers), sellers == {"VPP5"}, FactKind.CALIBRATED, remark
    )
    others = set(VPPS) - {"VPP5"}
    yield Fact("F1.2", "t = 2: VPP5 serves", _names(others), _names(served), served == others, FactKind.CALIBRATED)


def f2(evidence: Evidence) -> Facts:
    """At t = 12 the sellers are VPP1 and VPP3."""
    sellers = _sellers(evidence, 12)
    remark = "noon sun of the two large PV plants; VPP4's wind is made to drop between 10 and 12"
    holds = sellers == {"VPP1", "VPP3"}
    yield Fact("F2", "t = 12: the sellers", "VPP1, VPP3", _names(sellers), holds, FactKind.CALIBRATED, remark)


def f3(evidence: Evidence) -> Facts:
    """At t = 18 all five buy, from the grid only."""
    buyers = _with_role(evidence, 18, "buyer")
    remark = "no turbine or storage is large enough for an evening's deficit"
    holds = buyers == set(VPPS)
    yield Fact("F3.1", "t = 18: the buyers", "all five", _names(buyers), holds, FactKind.CALIBRATED, remark)
    after = evidence.rows("dispatch", stage=3, period=18)
    direct = fsum(number_of(row, "direct_in_mw") + number_of(row, "direct_out_mw") for row in after)
    fed = {str(row["vpp"]) for row in after if number_of(row, "buy_mw") > NOTHING_MW}
    computed = f"{direct:.3g} MW between VPPs; {len(fed)} of 5 buy from the grid"
    holds = direct <= NOTHING_MW and fed == set(VPPS)
    yield Fact(
        "F3.2", "t = 18: exchange", "grid only", computed, holds, FactKind.THEOREM, "without a seller, no trade"
    )


def f4(evidence: Evidence) -> Facts:
    """At t = 10 VPP1 is cheaper than VPP4 and chosen less."""
    sellers = _sellers(evidence, 10)
    both = sellers == {"VPP1", "VPP4"}
    yield Fact("F4.1", "t = 10: the sellers", "VPP1, VPP4", _names(sellers), both, FactKind.CALIBRATED)
    price, share = _prices(evidence, 10), _mean_shares(evidence, 10)
    first, fourth = price.get("VPP1"), price.get("VPP4")
    known = first is not None and fourth is not None
    text = (
        f"{first:.2f} against {fourth:.2f} CNY/MWh"
        if first is not None and fourth is not None
        else "not both sell"
    )
    cheaper = first is not None and fourth is not None and first < fourth
    remark = "in glut the seller with the larger surplus asks more"
    yield Fact(
        "F4.2", "t = 10: VPP1's price is lower than VPP4's", "lower", text, cheaper, FactKind.FINDING, remark
    )
    y1, y4 = share.get("VPP1", 0.0), share.get("VPP4", 0.0)
    less = known and all(row.get("VPP1", 0.0) < row.get("VPP4", 0.0) for row in _shares(evidence, 10).values())
    text = f"{y1:.4f} against {y4:.4f}"
    yield Fact(
        "F4.3", "t = 10: VPP1 is chosen less, by every buyer", "less", text, less and y1 < y4, FactKind.FINDING
    )
    remark = "the ratio of the two surpluses, about 0.82, was chosen to come near it"
    for part, published, found in (("F4.4", 0.4819, y1), ("F4.5", 0.5181, y4)):
        vpp = "VPP1" if part == "F4.4" else "VPP4"
        near = abs(found - published) <= PROBABILITY_TOLERANCE
        stated = f"{published:.4f}"
        yield Fact(
            part, f"t = 10: probability of {vpp}", stated, f"{found:.4f}", near, FactKind.CALIBRATED, remark
        )


def f5(evidence: Evidence) -> Facts:
    """At t = 10, 12, 14, 16 the cheapest seller is not the most chosen, though buyers prefer low prices."""
    for period in (10, 12, 14, 16):
        price, share = _prices(evidence, period), _mean_shares(evidence, period)
        text, holds = "fewer than two sellers", False
        if len(price) >= 2:
            cheapest, chosen = min(price, key=price.__getitem__), max(share, key=share.__getitem__)
            text, holds = f"cheapest {cheapest}, most chosen {chosen}", cheapest != chosen
        remark = "from unequal surpluses in glut; that supply exceeds demand at these hours was calibrated"
        statement = f"t = {period}: the cheapest seller is not the most chosen"
        yield Fact(f"F5.{period}", statement, "so", text, holds, FactKind.FINDING, remark)
    yield _prefer_low_prices(evidence)


def f6(evidence: Evidence) -> Facts:
    """At t = 3 several sell, and probabilities converge quickly (Fig. 9)."""
    sellers = _sellers(evidence, 3)
    yield Fact(
        "F6.1", "t = 3: several sellers", "several", _names(sellers), len(sellers) >= 2, FactKind.CALIBRATED
    )
    steps = _steps_to_rest(evidence, 3)
    text = "no evolution on record" if steps is None else f"within {QUICK_DISTANCE:g} after {steps} steps"
    quick = steps is not None and steps <= QUICK_STEPS
    remark = f"each step shrinks the distance by a fixed share; quick is up to {QUICK_STEPS} steps"
    yield Fact("F6.2", "t = 3: probabilities converge", "quickly (Fig. 9)", text, quick, FactKind.THEOREM, remark)


def f7(evidence: Evidence) -> Facts:
    """VPP1 has its surplus by day and sheds little then; VPP5 charges at night, in three periods."""
    sells = {int(number_of(r, "period")) for r in evidence.rows("roles", vpp="VPP1", role="seller")}
    inside = bool(sells) and sells <= set(DAYLIGHT)
    yield Fact("F7.1", "VPP1 has its surplus by day", "within 7–17", _hours(sells), inside, FactKind.CALIBRATED)
    shed = _day(evidence, "VPP1", "cl_mw")
    by_day = [power for period, power in shed.items() if period in DAYLIGHT]
    else_ = [power for period, power in shed.items() if period not in DAYLIGHT]
    means = (fsum(by_day) / max(1, len(by_day)), fsum(else_) / max(1, len(else_)))
    text = f"{means[0]:.3f} MW on average, {means[1]:.3f} MW at other hours"
    yield Fact("F7.2", "VPP1 sheds less load within 7–17", "less", text, means[0] < means[1], FactKind.FINDING)
    charging = {period for period, power in _day(evidence, "VPP5", "charge_mw").items() if power > NOTHING_MW}
    remark = "lowest feed-in price in 3–5; 2.4 MWh at 0.9 MW take three hours"
    three = len(charging) == 3
    yield Fact("F7.3", "VPP5 charges in three periods", "3", _hours(charging), three, FactKind.CALIBRATED, remark)
    night = bool(charging) and charging <= NIGHT
    yield Fact("F7.4", "VPP5 charges at night", "at night", _hours(charging), night, FactKind.CALIBRATED)


def f8(evidence: Evidence) -> Facts:
    """Models 1 to 4 for VPP1 (Table 2)."""
    yield from _total_costs(evidence)
    yield from _model_3(evidence)
    yield from _model_4_against_1(evidence)


def f9(evidence: Evidence) -> Facts:
    """Scenario 2 against Scenario 1 (Table 5)."""
    for part, what, column, published in (
        ("1", "carbon trading cost", "carbon_cny", 2434.0),
        ("2", "total cost", "total_cny", 48730.0),
    ):
        alone = _system(evidence, "grid_only", column)
        game = _system(evidence, "game", column)
        saved = alone - game
        text = f"{saved:,.0f} CNY lower ({alone:,.0f} → {game:,.0f})"
        kind = FactKind.FINDING if part == "1" else FactKind.THEOREM
        why = "" if part == "1" else "no VPP can pay more with trade than without (MODEL section 5)"
        yield Fact(f"F9.{part}a", f"Scenario 2: {what} falls", "lower", text, saved > 0.0, kind, why)
        ratio = saved / published
        same = 1.0 / SAME_ORDER <= ratio <= SAME_ORDER
        yield Fact(
            f"F9.{part}b",
            f"Scenario 2: {what} falls by as much",
            f"{published:,.0f} CNY",
            f"{saved:,.0f} CNY, {ratio:.2f} of it",
            abs(ratio - 1.0) <= NUMBER_TOLERANCE,
            FactKind.FINDING,
            f"within {NUMBER_TOLERANCE:.0%} would count; the data are ours, so agreement would be chance",
        )
        remark = "within a factor of √10 either way"
        text = f"{ratio:.2f} of the published"
        statement = f"Scenario 2: saving in {what} of the published order"
        yield Fact(f"F9.{part}c", statement, f"{published:,.0f} CNY", text, same, FactKind.FINDING, remark)


def f10(evidence: Evidence) -> Facts:
    """The parameters that the paper's text states."""
    market, carbon = evidence.market, evidence.carbon
    band = (market.price_min_cny_per_mwh, market.price_max_cny_per_mwh)
    text = f"{band[0]:,g}–{band[1]:,g} CNY/MWh"
    yield Fact("F10.1", "price band", "300–1,200 CNY/MWh", text, band == (300.0, 1200.0), FactKind.INPUT)
    mu, interval, growth = carbon.base_price_cny_per_t, carbon.interval_t, carbon.growth
    yield Fact("F10.2", "base carbon price μ", "280 CNY/t", f"{mu:g} CNY/t", mu == 280.0, FactKind.INPUT)
    yield Fact("F10.3", "carbon interval l", "2 t", f"{interval:g} t", interval == 2.0, FactKind.INPUT)
    yield Fact("F10.4", "price growth α", "25 %", f"{growth:.0%}", growth == 0.25, FactKind.INPUT)


GROUPS: tuple[Callable[[Evidence], Facts], ...] = (f1, f2, f3, f4, f5, f6, f7, f8, f9, f10)


def _total_costs(evidence: Evidence) -> Facts:
    total = {n: evidence.model(n, "total_cny") for n in (1, 2, 3, 4)}
    proofs = {
        2: "the same emission costs more at 320 than at 280 CNY/t",
        3: "M1 ≤ M4 ≤ M3 follows from (3) while the excess is not negative",
        4: "M1 ≤ M4 ≤ M3 follows from (3) while the excess is not negative",
    }
    for n in (2, 3, 4):
        text = f"{total[1]:,.0f} against {total[n]:,.0f} CNY"
        lower = total[1] < total[n]
        yield Fact(
            f"F8.{n - 1}",
            f"Model 1 costs less in total than Model {n}",
            "less",
            text,
            lower,
            FactKind.THEOREM,
            proofs[n],
        )
    rise = total[2] / total[1] - 1.0
    yield Fact(
        "F8.4",
        "Model 2's total cost is significantly above Model 1's",
        "significantly",
        f"{rise:+.1%}",
        rise >= SIGNIFICANT,
        FactKind.FINDING,
        f"it would be from {SIGNIFICANT:.0%}; 40 CNY/t more on some tonnes of excess cannot do that",
    )
    rise = total[4] / total[1] - 1.0
    slight = 0.0 < rise < SIGNIFICANT
    statement = "Model 4's total cost is slightly above Model 1's"
    yield Fact(
        "F8.5",
        statement,
        "slightly",
        f"{rise:+.1%}",
        slight,
        FactKind.FINDING,
        f"slightly: below {SIGNIFICANT:.0%}",
    )


def _model_3(evidence: Evidence) -> Facts:
    def column(name: str) -> dict[int, float]:
        return {n: evidence.model(n, name) for n in (1, 2, 3, 4)}

    cost, emission, carbon = column("operation_cny"), column("emission_t"), column("carbon_cny")
    text = ", ".join(f"M{n} {value:,.0f}" for n, value in cost.items())
    least = all(cost[3] < cost[n] for n in (1, 2, 4))
    why = "Model 3 minimises nothing else"
    yield Fact("F8.6", "Model 3 has the lowest operating cost", "lowest", text, least, FactKind.THEOREM, why)
    text = ", ".join(f"M{n} {value:.3f} t" for n, value in emission.items())
    most = all(emission[3] > emission[n] for n in (1, 2, 4))
    why = "by a thin margin over Model 1"
    yield Fact("F8.7", "Model 3 emits most", "huge", text, most, FactKind.FINDING, why)
    text = ", ".join(f"M{n} {value:,.0f}" for n, value in carbon.items())
    most = all(carbon[3] > carbon[n] for n in (1, 2, 4))
    yield Fact("F8.8", "Model 3 pays most for carbon", "high", text, most, FactKind.FINDING)


def _model_4_against_1(evidence: Evidence) -> Facts:
    saved_kg = 1000.0 * (evidence.model(1, "emission_t") - evidence.model(4, "emission_t"))
    text = f"{saved_kg:,.1f} kg less"
    yield Fact("F8.9", "Model 4 emits less than Model 1", "less", text, saved_kg > 0.0, FactKind.CALIBRATED)
    near = abs(saved_kg / 1206.7 - 1.0) <= NUMBER_TOLERANCE
    why = "a coincidence where it agrees: it moves by tens of kg with the number of pieces of a turbine's cost"
    yield Fact(
        "F8.10", "Model 4 emits less by", "1,206.7 kg", f"{saved_kg:,.1f} kg", near, FactKind.CALIBRATED, why
    )
    first, fourth = evidence.model(1, "carbon_cny"), evidence.model(4, "carbon_cny")
    text = f"{first:,.0f} → {fourth:,.0f} CNY"
    statement = "Model 4 pays more for carbon than Model 1"
    yield Fact("F8.11", statement, "more", text, fourth > first, FactKind.FINDING)
    first, fourth = evidence.model(1, "curtailed_mwh"), evidence.model(4, "curtailed_mwh")
    text = f"{first:.3f} MWh"
    statement = "some renewable energy is curtailed in Model 1"
    yield Fact("F8.12", statement, "a certain amount", text, first > NOTHING_MW, FactKind.CALIBRATED)
    text = f"{first:.3f} → {fourth:.3f} MWh"
    statement, why = "Model 4 curtails no more than Model 1", "absorption of wind and light is promoted"
    yield Fact("F8.13", statement, why, text, fourth <= first + NOTHING_MW, FactKind.FINDING)
    why = "little: only the ramp of VPP1's turbine links what is curtailed at noon to the price of carbon"
    yield Fact(
        "F8.14",
        "Model 4 curtails less than Model 1",
        "less",
        text,
        fourth < first - NOTHING_MW,
        FactKind.FINDING,
        why,
    )


def _prefer_low_prices(evidence: Evidence) -> Fact:
    """Of sellers at different prices the cheapest gets more than its share of the surplus, the dearest less."""
    compared, preferred = 0, 0
    for period in sorted({int(number_of(row, "period")) for row in evidence.rows("offers")}):
        price, share, surplus = (
            _prices(evidence, period),
            _mean_shares(evidence, period),
            _surplus(evidence, period),
        )
        if len(price) < 2 or max(price.values()) - min(price.values()) < 1e-6:
            continue
        weight = {vpp: share[vpp] * sum(surplus.values()) / surplus[vpp] for vpp in price}
        compared += 1
        low, high = min(price, key=price.__getitem__), max(price, key=price.__getitem__)
        preferred += weight[low] > 1.0 > weight[high]
    text = f"in {preferred} of {compared} periods with different prices"
    remark = "measured against each seller's share of the surplus; (M2) says so"
    holds = compared > 0 and preferred == compared
    return Fact("F5", "buyers prefer low prices", "so", text, holds, FactKind.THEOREM, remark)


def _with_role(evidence: Evidence, period: int, role: str) -> set[str]:
    return {str(row["vpp"]) for row in evidence.rows("roles", period=period, role=role)}


def _sellers(evidence: Evidence, period: int) -> set[str]:
    return _with_role(evidence, period, "seller")


def _served(evidence: Evidence, period: int, seller: str) -> set[str]:
    rows = evidence.rows("selections", period=period, seller=seller)
    return {str(row["buyer"]) for row in rows if number_of(row, "delivered_mw") > NOTHING_MW}


def _prices(evidence: Evidence, period: int) -> dict[str, float]:
    return {str(r["vpp"]): number_of(r, "price_cny_per_mwh") for r in evidence.rows("offers", period=period)}


def _surplus(evidence: Evidence, period: int) -> dict[str, float]:
    return {str(r["vpp"]): number_of(r, "surplus_mw") for r in evidence.rows("offers", period=period)}


def _shares(evidence: Evidence, period: int) -> dict[str, dict[str, float]]:
    """Probabilities: buyer, then seller."""
    found: dict[str, dict[str, float]] = {}
    for row in evidence.rows("selections", period=period):
        found.setdefault(str(row["buyer"]), {})[str(row["seller"])] = number_of(row, "probability")
    return found


def _mean_shares(evidence: Evidence, period: int) -> dict[str, float]:
    """Probability of each seller, the mean of the buyers."""
    rows = list(_shares(evidence, period).values())
    sellers = {seller for row in rows for seller in row}
    return {seller: fsum(row.get(seller, 0.0) for row in rows) / len(rows) for seller in sorted(sellers)}


def _day(evidence: Evidence, vpp: str, column: str) -> dict[int, float]:
    """A quantity of the plan without trade, by period."""
    return {
        int(number_of(row, "period")): number_of(row, column)
        for row in evidence.rows("dispatch", vpp=vpp, stage=1)
    }


def _steps_to_rest(evidence: Evidence, period: int) -> int | None:
    """Replicator steps after which every probability stays within QUICK_DISTANCE of its last value."""
    paths: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for row in evidence.rows("trace", quantity="evolution", period=period):
        point = (int(number_of(row, "round")), number_of(row, "value"))
        paths.setdefault((str(row["vpp"]), str(row["counterpart"])), []).append(point)
    if not paths:
        return None
    return max(_last_far(sorted(path)) + 1 for path in paths.values())


def _last_far(path: list[tuple[int, float]]) -> int:
    rest = path[-1][1]
    return max((step for step, value in path if abs(value - rest) > QUICK_DISTANCE), default=-1)


def _system(evidence: Evidence, scenario: str, column: str) -> float:
    rows = evidence.rows("costs", vpp="system", scenario=scenario)
    return number_of(_only(rows), column)


def _only(rows: list[Row]) -> Row:
    (row,) = rows
    return row


def _names(vpps: set[str]) -> str:
    return ", ".join(sorted(vpps)) or "nobody"


def _hours(periods: set[int]) -> str:
    return ", ".join(map(str, sorted(periods))) or "never"
