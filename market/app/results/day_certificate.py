"""The day's certificate (M6) as a table and as JSON."""

from __future__ import annotations

from math import fsum, inf, isfinite, isnan, nan
from typing import Any

from market.app.results.columns import COLUMNS, DAY_CERTIFICATE
from market.app.results.shapes import fields, maybe, number
from market.app.results.table import Table
from market.day_certificate.day_certificate import DayCertificate, DayRegret
from market.errors import DispatchError
from market.game.result import Verdict
from market.model.plan import DispatchPlan
from market.scenario.scenario import Scenario
from market.settlement.outcome import MarketOutcome, VppDay
from market.settlement.regret_bounds import RegretBounds
from market.settlement.settlement import Settlement, net_payment_cny, payment_cny

DAY_CERTIFICATE_SHAPE = fields(
    {
        "regret_lower_cny": number(0),
        "regret_upper_cny": maybe(number(0)),
        "tolerance_cny": number(0),
        "possible_saving_cny": maybe(number()),
        "lower_share_of_saving": maybe(number(0)),
        "upper_share_of_saving": maybe(number(0)),
    }
)
"""What the manifest tells of it."""


def day_certificate(scenario: Scenario, outcome: MarketOutcome, settlement: Settlement) -> DayCertificate | None:
    """The certificate of a day whose VPPs tell their regrets; None where they were not asked to.

    What all could save together is worked out where all plants are known.
    """
    if not scenario.public.market.day_certificate:
        return None
    return DayCertificate(
        regrets=tuple(_regret(day, outcome) for day in outcome.days),
        rests=outcome.verdict is Verdict.EQUILIBRIUM,
        traded_value_cny=fsum(float(payment_cny(result).sum()) for result in outcome.periods),
        possible_saving_cny=_possible_saving_cny(scenario, settlement),
    )


def _regret(day: VppDay, outcome: MarketOutcome) -> DayRegret:
    name, told = day.declaration.vpp, day.regret or RegretBounds(0.0, None)
    cost_cny = nan
    if isinstance(day.after, DispatchPlan):
        cost_cny = day.after.objective_cny + net_payment_cny(name, outcome.periods)
    return DayRegret(name, cost_cny, told.lower_cny, inf if told.upper_cny is None else told.upper_cny)


def _possible_saving_cny(scenario: Scenario, settlement: Settlement) -> float | None:
    if not scenario.whole:
        return None
    from vpp_nodes.dispatch.joint import joint_dispatch  # late: it brings the solver

    try:
        together_cny = joint_dispatch(scenario.vpps, scenario.public).total_cny
    except DispatchError:
        return None
    saving_cny = settlement.grid_only_system.total_cny - together_cny
    return None if isnan(saving_cny) else saving_cny


def day_certificate_table(certificate: DayCertificate) -> Table:
    """Each VPP's cost and the two bounds of its regret; no upper one where none was found."""
    rows = tuple(
        (regret.vpp, regret.cost_cny, regret.lower_cny, _known(regret.upper_cny)) for regret in certificate.regrets
    )
    return Table(DAY_CERTIFICATE, COLUMNS[DAY_CERTIFICATE], rows)


def day_certificate_document(certificate: DayCertificate) -> dict[str, Any]:
    """What the manifest tells: the day's verdict, and Σ of the bounds, CNY and as shares of the saving."""
    lower, upper = certificate.lower_cny, certificate.upper_cny
    bounded = isfinite(upper)
    return {
        "day_verdict": certificate.verdict.value,
        DAY_CERTIFICATE: {
            "regret_lower_cny": lower,
            "regret_upper_cny": upper if bounded else None,
            "tolerance_cny": certificate.tolerance_cny,
            "possible_saving_cny": certificate.possible_saving_cny,
            "lower_share_of_saving": certificate.share_of_saving(lower),
            "upper_share_of_saving": certificate.share_of_saving(upper) if bounded else None,
        },
    }


def _known(bound_cny: float) -> float:
    return bound_cny if isfinite(bound_cny) else float("nan")
