"""Words each record of a tape for the event log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from broker.protocol.run_progress import Phase
from broker.tape import (
    AuditGiven,
    Back,
    Ended,
    EpochBegun,
    Left,
    MessageSaid,
    OrderGiven,
    Record,
    Resumed,
    RoundReviewed,
    Shared,
)
from broker.wire.messages import Answer, Offer
from market.app.history.snapshot import Snapshot
from market.model.declaration import Role
from market.model.plan import DispatchPlan

SHOWN_CNY_PER_KWH = 5e-7
"""What is less is zero in the digits of the log; prices are told in the unit of the charts."""


def event_lines(before: Snapshot, record: Record, after: Snapshot) -> Iterator[tuple[str, str]]:
    """(who, text) of what a record tells; who is empty where it concerns everybody."""
    match record:
        case Shared():
            yield "", f"{record.scenario.name}: {len(after.vpps)} VPPs, {after.periods} periods, seed {after.seed}"
        case MessageSaid():
            yield from _message(before, record.sender, after)
        case OrderGiven():
            yield from _ordered(before, after)
        case Left():
            yield record.vpp, f"has left: {record.how}"
        case Back():
            yield record.vpp, "is back"
        case Resumed():
            yield "", "the run had broken off and is taken up again"
        case EpochBegun():
            void = "; what was said is void" if before.declarations else ""
            yield "", f"epoch {after.epoch} begins with {', '.join(after.roster)}: {record.why}{void}"
        case RoundReviewed():
            yield record.vpp, _reviews(record)
        case AuditGiven() | Ended():
            yield _in_the_end(record)


def _in_the_end(record: AuditGiven | Ended) -> tuple[str, str]:
    if isinstance(record, Ended):
        return "", f"the run is complete: {record.verdict.value}"
    return record.vpp, _shows(record)


def _reviews(record: RoundReviewed) -> str:
    if record.regret_cny is None:
        return "has no day with what it traded in this round"
    loses = "" if record.no_loss else ", and pays more than without trade"
    return f"would rather have planned otherwise by {record.regret_cny:,.2f} CNY{loses}"


def _shows(record: AuditGiven) -> str:
    if isinstance(record.after, DispatchPlan):
        return "shows its plans, without trade and with it"
    return "keeps its plans to itself" if record.after is None else "shows the totals of its day"


def _message(before: Snapshot, sender: str, after: Snapshot) -> Iterator[tuple[str, str]]:
    if after.verdicts and not before.verdicts:
        counts = Counter(verdict.value for verdict in after.verdicts)
        yield "", "verdict: " + ", ".join(f"{count} × {verdict}" for verdict, count in sorted(counts.items()))
    elif after.declarations.get(sender) is not before.declarations.get(sender):
        yield sender, _declared(after, sender)
        if after.phase is Phase.TRADING and before.phase is not Phase.TRADING:
            tradable = sum(game.tradable for game in after.games)
            yield "", f"all have declared: there is something to trade in {tradable} of {len(after.games)} periods"
    elif after.offers.get(sender) is not before.offers.get(sender):
        yield sender, _offered(before.offers.get(sender), after.offers[sender])
    elif after.answers.get(sender) is not before.answers.get(sender):
        yield sender, _answered(after.answers[sender])
    elif after.selections.get(sender) is not before.selections.get(sender):
        selection = after.selections[sender]
        yield sender, f"chooses, answer {selection.version}, in {_periods(len(selection.periods))}"


def _answered(answer: Answer) -> str:
    """An answer to a round's prices, and what is said of that round."""
    last, power = answer.round - 1, answer.net_in_mw
    says = f"regrets {answer.regret_cny:,.2f} CNY" if answer.regret_cny is not None else "has no such day"
    if not power.size:
        return f"of round {last}: {says}"
    takes, gives = power[power > 0.0].sum(), -power[power < 0.0].sum()
    return f"of round {last}: {says}; would take {takes:.4g} and give {gives:.4g} MW over all periods"


def _declared(view: Snapshot, vpp: str) -> str:
    roles = Counter(view.declarations[vpp].roles)
    return f"declares: sells in {_periods(roles[Role.SELLER])}, buys in {_periods(roles[Role.BUYER])}"


def _offered(last: Offer | None, offer: Offer) -> str:
    prices = dict(zip(offer.periods, offer.price_cny_per_mwh.tolist(), strict=True))
    if last is None:
        return f"offers at the clearing price in {_periods(len(prices))}"
    known = dict(zip(last.periods, last.price_cny_per_mwh.tolist(), strict=True))
    moves = {t: price - known[t] for t, price in prices.items() if price != known.get(t, price)}
    if not moves:
        return f"offer {offer.version}"
    widest = max(moves, key=lambda t: abs(moves[t]))
    by = moves[widest] / 1000
    far = f"by {by:+.6f}" if abs(by) >= SHOWN_CNY_PER_KWH else "by less than can be shown"
    return (
        f"offer {offer.version}: moves {_periods(len(moves))}, most in period {widest + 1}, "
        f"{far} to {prices[widest] / 1000:.6f} CNY/kWh"
    )


def _periods(count: int) -> str:
    return f"{count} period" if count == 1 else f"{count} periods"


def _ordered(before: Snapshot, after: Snapshot) -> Iterator[tuple[str, str]]:
    if after.phase is before.phase:
        return
    if after.phase is Phase.PLANNING:
        yield "", f"{', '.join(after.roster)} plan their day"
    elif after.phase is Phase.REVIEWING:
        yield "", "everybody plans again with the market as an option"
    elif after.phase is Phase.SETTLING:
        of_round = f" as in round {after.round}" if after.rounds_over else ""
        yield "", f"everybody plans again with the trade fixed{of_round}"
