"""How robust each fact of the paper is: the case study repeated on randomly perturbed data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from market.app.analysis.paper.case_study import case_study
from market.app.analysis.paper.facts import Fact, FactKind
from market.app.analysis.perturbation import perturbed
from market.app.results.table import Table
from market.errors import MarketError
from market.scenario.scenario import Scenario

SHARE = 0.05  # every datum times a factor of its own in 1 ± this


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw to carry out; a pure function of its fields."""

    scenario: Scenario
    seed: int
    share: float = SHARE


@dataclass(frozen=True, slots=True)
class DrawnFacts:
    """What came of a draw: whether each fact held, by id; nothing but `error` where a day has no plan."""

    seed: int
    holds: dict[str, bool]
    computed: dict[str, str]
    error: str = ""


def drawn_facts(draw: Draw) -> DrawnFacts:
    """Carry out a draw."""
    try:
        facts = case_study(perturbed(draw.scenario, draw.share, draw.seed)).facts
    except MarketError as error:
        return DrawnFacts(draw.seed, {}, {}, str(error).splitlines()[0])
    return DrawnFacts(
        draw.seed, {fact.id: fact.holds for fact in facts}, {fact.id: fact.computed for fact in facts}
    )


def draw_all(
    scenario: Scenario,
    seeds: Sequence[int],
    solve_all: Callable[[Callable[[Draw], DrawnFacts], Sequence[Draw]], Sequence[DrawnFacts]],
) -> tuple[DrawnFacts, ...]:
    """The draws of these seeds, by `solve_all` (such as `market.app.runs.process_pool.solve_many`)."""
    return tuple(solve_all(drawn_facts, [Draw(scenario, seed) for seed in seeds]))


def robustness_table(facts: Sequence[Fact], draws: Sequence[DrawnFacts]) -> Table:
    """The share of draws in which each fact holds; inputs, which no draw changes, are left out.

    A draw without a plan counts as one in which nothing holds.
    """
    columns = ("id", "statement", "kind", "holds", "draws", "held", "share")
    rows = []
    for fact in facts:
        if fact.kind is FactKind.INPUT:
            continue
        held = sum(draw.holds.get(fact.id, False) for draw in draws)
        share = held / len(draws) if draws else float("nan")
        rows.append(
            (fact.id, fact.statement, fact.kind.value, "yes" if fact.holds else "no", len(draws), held, share)
        )
    return Table("robustness", columns, tuple(rows))


def draws_table(draws: Sequence[DrawnFacts]) -> Table:
    """Every draw's answer to every fact."""
    rows = [
        (draw.seed, name, "yes" if holds else "no", draw.computed[name])
        for draw in draws
        for name, holds in draw.holds.items()
    ]
    rows += [(draw.seed, "", "no", draw.error) for draw in draws if draw.error]
    return Table("firmness_draws", ("seed", "id", "holds", "computed"), tuple(rows))
