"""The day's certificate (M6) as a table and as JSON."""

from __future__ import annotations

from math import isfinite
from typing import Any

from market.app.results.columns import COLUMNS, DAY_CERTIFICATE
from market.app.results.shapes import fields, maybe, number
from market.app.results.table import Table
from market.day_certificate.day_certificate import DayCertificate

DAY_CERTIFICATE_SHAPE = fields(
    {
        "regret_lower_cny": number(0),
        "regret_upper_cny": maybe(number(0)),
        "tolerance_cny": number(0),
        "possible_saving_cny": number(),
        "lower_share_of_saving": maybe(number(0)),
        "upper_share_of_saving": maybe(number(0)),
    }
)
"""What the manifest tells of it."""


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
