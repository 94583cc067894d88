"""A market whose plants have unmistakable numbers, and the search for them in text of any kind.

No two numbers of the plants have the same first six digits, wherever the point stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from itertools import count

import numpy as np

from market.model.arrays import frozen
from market.model.parameter import counts
from market.model.vpp import ControllableLoad, Exchange, MicroTurbine, Renewable, Storage, Vpp
from market.scenario import load_scenario
from market.scenario.digest import seal_scenario
from market.scenario.scenario import Scenario

_NUMBER = re.compile(r"\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?")
_STEP = 0.6180339887498949  # the golden section: its multiples never come close to each other early


class _Numbers:
    """Numbers that are met nowhere else."""

    def __init__(self) -> None:
        self._count = count(1)
        self._taken: set[str] = set()

    def __call__(self, low: float, high: float, places: int = 9) -> float:
        while True:
            number = round(low + (high - low) * (next(self._count) * _STEP % 1.0), places)
            if digits(number) not in self._taken:
                self._taken.add(digits(number))
                return number


def unmistakable(ids: tuple[str, ...] = ("Alpha", "Beta", "Gamma"), case: str = "two_vpp") -> Scenario:
    """The rules of a built-in case with plants of our own, which have everything that a plant can have."""
    rules = load_scenario(case)
    numbers = _Numbers()
    vpps = tuple(_plant(vpp, 4.0 * place, rules.public.horizon.periods, numbers) for place, vpp in enumerate(ids))
    vpps = tuple(_telling_in_steps(vpp, numbers(0.01, 0.02)) for vpp in vpps)
    network = replace(rules.network, links=(), outages=(), partitions=(), compute=())
    return seal_scenario("unmistakable", "A title", rules.public, vpps, network)


def _plant(vpp_id: str, more_load_mw: float, periods: int, number: _Numbers) -> Vpp:
    """A plant; with more load than the first it buys what that sells."""

    def column(low: float, high: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return frozen(np.array([number(low, high) for _ in range(periods)]))

    return Vpp(
        id=vpp_id,
        label=f"Label of {vpp_id}, for nobody else",
        load_mw=column(1.0 + more_load_mw, 3.0 + more_load_mw),
        wt=Renewable(column(0.1, 4.0), number(10.0, 20.0)),
        pv=Renewable(column(0.1, 4.0), number(10.0, 20.0)),
        mt=MicroTurbine(
            p_min_mw=number(0.01, 0.1),
            p_max_mw=number(1.0, 2.0),
            ramp_up_mw_per_h=number(0.5, 0.9),
            ramp_down_mw_per_h=number(0.5, 0.9),
            cost_a_cny_per_mw2h=number(50.0, 90.0),
            cost_b_cny_per_mwh=number(500.0, 600.0),
            cost_on_cny_per_h=number(10.0, 20.0),
            commitment=False,
            cost_pieces=int(number(100.0, 999.0, places=0)),
            emission_t_per_mwh=number(0.55, 0.65),
        ),
        ess=Storage(
            energy_mwh=number(2.0, 4.0),
            charge_max_mw=number(0.5, 1.0),
            discharge_max_mw=number(0.5, 1.0),
            charge_efficiency=number(0.9, 0.99),
            discharge_efficiency=number(0.9, 0.99),
            soc_min=number(0.05, 0.1),
            soc_max=number(0.85, 0.95),
            soc_initial=number(0.3, 0.7),
            wear_cny_per_mwh=number(20.0, 40.0),
        ),
        cl=ControllableLoad(
            share_of_load=number(0.05, 0.15),
            compensation_cny_per_mwh=number(800.0, 900.0),
            daily_energy_max_mwh=number(1.0, 2.0),
            credit_t_per_mwh=number(0.1, 0.2),
        ),
        # A limit of exchange that cuts what is declared becomes public by that; these never do.
        exchange=Exchange(*(number(20.0, 40.0) for _ in range(4))),
        satisfaction=number(0.8, 0.95),
    )


def _telling_in_steps(vpp: Vpp, step_cny_per_mwh: float) -> Vpp:
    return replace(vpp, exchange=replace(vpp.exchange, reserve_step_cny_per_mwh=step_cny_per_mwh))


def plant_numbers(vpp: Vpp) -> list[float]:
    """Every number of a plant, its profiles among them; not the defaults of what it does not say."""
    return list(_numbers(vpp))


def _numbers(value: object) -> Iterator[float]:
    if is_dataclass(value):
        for field in fields(value):
            if counts(field, getattr(value, field.name)):
                yield from _numbers(getattr(value, field.name))
    elif isinstance(value, np.ndarray):
        yield from value.tolist()
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def digits(number: float) -> str:
    """The first six digits, wherever the point stands.

    >>> digits(0.0123456789), digits(-1234.56789), digits(300)
    ('123457', '123457', '300000')
    """
    return f"{abs(number):.5e}"[:7].replace(".", "")


def digits_in(text: str) -> set[str]:
    """The first six digits of every number in a text."""
    return {digits(float(token)) for token in _NUMBER.findall(text)}


def found_in(text: str, numbers: Iterable[float]) -> list[float]:
    """The numbers that a text gives away: as they are, rounded, or in another unit of a power of ten."""
    here = digits_in(text)
    return [n for n in numbers if digits(n) in here or repr(n) in text or (n % 1 and f"{n:g}" in text)]
