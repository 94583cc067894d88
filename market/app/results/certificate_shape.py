"""The shape of `certificate.json`, as `certificate` writes it, for those who read it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from market.app.results.manifest_shape import VPP
from market.app.results.shapes import Misfit, fields, many, maybe, number, one_of, one_of_words, text, whole
from market.game.result import Verdict
from market.model.plan import SolveMethod


def _number_or_infinity(value: Any, place: str) -> Iterator[Misfit]:
    return one_of_words("inf", "-inf")(value, place) if type(value) is str else maybe(number())(value, place)


_SELLER = fields(
    {
        "vpp": VPP,
        "regret_cny": number(),
        "regret_bound_cny": number(),
        "better_price_cny_per_mwh": _number_or_infinity,
        "markup_cny_per_mwh": number(),
    }
)
_BUYER = fields({"vpp": VPP, "distance": number(), "gain_cny": number(), "plain_gap_cny": number()})
_STATED = {"period": whole(1), "verdict": one_of(Verdict), "evidence": text()}
_EVIDENCE = {
    "epsilon_cny": number(),
    "epsilon_relative": number(),
    "traded_value_cny": number(),
    "clearing_price_cny_per_mwh": number(),
    "hhi": _number_or_infinity,
    "sellers": many(_SELLER),
    "buyers": many(_BUYER),
}


def _period(value: Any, place: str) -> Iterator[Misfit]:
    """A period with all of its evidence, or one without any."""
    traded = type(value) is dict and any(name in value for name in _EVIDENCE)
    return fields(_STATED | (_EVIDENCE if traded else {}))(value, place)


CERTIFICATE: Final = fields(
    {
        "verdict": one_of(Verdict),
        "epsilon_cny": number(0),
        "epsilon_relative": number(0),
        "periods": many(_period),
        "dispatch": many(
            fields(
                {
                    "vpp": VPP,
                    "stage": whole(1, 5),
                    "method": maybe(one_of(SolveMethod)),
                    "objective_cny": maybe(number()),
                    "gap_cny": maybe(number()),
                }
            )
        ),
    }
)
