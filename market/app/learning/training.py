"""Lets learners play an environment day by day, and keeps what they asked, earned and lost on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from market.app.learning.environment import MarketEnv
from market.model.arrays import Array

_LOOKS: Final = 5
"""Days of a stretch whose regrets are certified."""


class Learner(Protocol):
    """What plays for one seller: it acts on what it is shown, and learns from what that earned."""

    def act(self, observation: Mapping[str, Any]) -> Array:
        """Today's action, (T,)."""
        ...

    def learn(self, profit_cny: Array, observation: Mapping[str, Any]) -> None:
        """What it earned by period, (T,), and what is seen after it."""
        ...


@dataclass(frozen=True, slots=True)
class LearningPath:
    """What became of learning, in W stretches of days of equal length, for n learners.

    day : the last of each stretch, (W,) · price_cny_per_mwh : what each asked in the periods of a day, and in the
    days on which it sells, on average, (W, n), 0 where it sold on none
    profit_cny : mean of a day, (W, n) · regret_cny : at most, (M4), mean of some days of each stretch, (W, n)
    """

    learners: tuple[str, ...]
    day: Array
    price_cny_per_mwh: Array
    profit_cny: Array
    regret_cny: Array


def trained(env: MarketEnv, learners: Mapping[str, Learner], days: int, stretches: int) -> LearningPath:
    """One episode of so many days. learners : one for each agent of the environment"""
    seen, _ = env.reset()
    agents = tuple(env.agents)
    ends = _marks(days, stretches)
    looked_at = {*_marks(days, stretches * _LOOKS)}
    priced, sold, earned, lost = np.zeros((4, len(ends), len(agents)))
    place, begun, looks = 0, 0, 0
    for day in range(1, days + 1):
        seen, rewards, _, _, told = env.step({agent: learners[agent].act(seen[agent]) for agent in agents})
        for k, agent in enumerate(agents):
            learners[agent].learn(told[agent]["profit_cny"], seen[agent])
            asked = told[agent]["price_cny_per_mwh"]
            if (sells := asked > 0.0).any():  # no floor is 0
                priced[place, k] += float(asked[sells].mean())
                sold[place, k] += 1
            earned[place, k] += rewards[agent]
        if day in looked_at:
            bound = env.regret_bound_cny()
            lost[place] += [bound[agent] for agent in agents]
            looks += 1
        if day == ends[place]:
            priced[place] /= np.maximum(sold[place], 1)
            earned[place] /= day - begun
            lost[place] /= looks
            place, begun, looks = place + 1, day, 0
    return LearningPath(agents, np.array(ends, dtype=np.float64), priced, earned, lost)


def _marks(days: int, parts: int) -> list[int]:
    """The last day of each of so many parts of equal length, or of as many as there are days."""
    found: list[int] = np.unique(np.linspace(0, days, parts + 1).round().astype(np.intp))[1:].tolist()
    return found
