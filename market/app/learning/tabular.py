"""Tabular learners of prices: Q-learning with yesterday's prices as its state, and a bandit that has no state.

Both learn each period by itself. A learner takes what the environment shows and answers with an action; it knows
nothing of rivals' costs, of demand, or of what an equilibrium is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from market.app.runs.seeds import require_seed
from market.errors import ModelError
from market.model.arguments import of_kind, one_number
from market.model.arrays import Array

_DAYS_A_LEVEL: Final = 20
_MOST_LEVELS: Final = 100
"""A learner that remembers has a value for each level in each of their squares."""


@dataclass(frozen=True, slots=True)
class Learning:
    """How a tabular learner learns.

    levels : how many prices it chooses from, evenly from its least price to the cap
    step : α, how far a value moves towards what was seen · discount : δ, what tomorrow counts for
    exploring_days : after its trial days the chance of a price at random is e^(−days / exploring_days)
    remembers : whether its state is its own and its rivals' mean level of yesterday; else it has none

    >>> Learning(levels=2)
    Traceback (most recent call last):
    market.errors.ModelError: levels must be a whole number from 3 to 100; got 2; take 15
    """

    levels: int = 15
    step: float = 0.15
    discount: float = 0.95
    exploring_days: float = 4000.0
    remembers: bool = True

    @property
    def trial_days(self) -> int:
        """How long all prices are drawn at random at first: what each then earns on average is begun from."""
        return _DAYS_A_LEVEL * self.levels

    def __post_init__(self) -> None:
        rules = (
            ("levels", self._levels_hold(), f"a whole number from 3 to {_MOST_LEVELS}", "take 15"),
            ("step", 0.0 < one_number("step", self.step) <= 1.0, "above 0 and at most 1", "take 0.15"),
            ("discount", 0.0 <= one_number("discount", self.discount) < 1.0, "from 0 to below 1", "take 0.95"),
            (
                "exploring_days",
                one_number("exploring_days", self.exploring_days) > 0.0,
                "above 0",
                "take an eighth of all days",
            ),
        )
        for name, holds, rule, remedy in rules:
            if not holds:
                raise ModelError(f"{name} must be {rule}; got {getattr(self, name)!r}; {remedy}")

    def _levels_hold(self) -> bool:
        levels = one_number("levels", self.levels)
        return 3 <= levels <= _MOST_LEVELS and levels.is_integer()


def q_learning(exploring_days: float = 4000.0, levels: int = 15) -> Learning:
    """Q-learning (Watkins & Dayan 1992) as Calvano et al. 2020 let two firms do it.

    >>> q_learning().remembers, q_learning().discount
    (True, 0.95)
    """
    return Learning(levels, exploring_days=exploring_days)


def bandit(exploring_days: float = 4000.0, levels: int = 15) -> Learning:
    """An epsilon-greedy bandit: it takes the price that has earned most of late, and looks no further than today.

    >>> bandit().remembers, bandit().discount
    (False, 0.0)
    """
    return Learning(levels, discount=0.0, exploring_days=exploring_days, remembers=False)


class TabularLearner:
    """One seller that learns. The same seed, and the same it is shown: the same it does.

    >>> learner = TabularLearner(q_learning(), seed=1)
    >>> seen = {"price_share": np.array([[0.2], [0.4]]), "surplus_mw": np.ones((2, 1))}
    >>> action = learner.act(seen)
    >>> action.shape
    (1,)
    >>> learner.learn(120.0 + np.zeros(1), seen)
    >>> learner.days
    1
    """

    def __init__(self, how: Learning, seed: int) -> None:
        self.how = of_kind(Learning, how, "how", "make one with market.bandit() or market.q_learning()")
        self.days = 0
        self._random = np.random.default_rng(require_seed(seed, "seed"))
        self._shares = np.linspace(0.0, 1.0, how.levels)
        self._value = np.zeros((0, 0, 0))  # (T, states, levels)
        self._tried = np.zeros((0, 0, 2))  # (T, levels): how often in the trial days, and what it earned in all
        self._did = (np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp))  # state and level of today, (T,)

    def act(self, observation: Mapping[str, Any]) -> Array:
        """Today's action, shape (T,): mostly the best it knows, at times one at random."""
        state = self._state(observation)
        if not self._value.size:
            self._begin(len(state))
        level = self._value[np.arange(len(state)), state].argmax(axis=1)
        chance = 1.0 if self.days < self.how.trial_days else np.exp(-self.days / self.how.exploring_days)
        tries = self._random.random(len(state)) < chance
        level = np.where(tries, self._random.integers(self.how.levels, size=len(state)), level)
        self._did = (state, level)
        return self._shares[level]

    def learn(self, profit_cny: Array, observation: Mapping[str, Any]) -> None:
        """What today's action earned in each period, (T,), and what is seen after it."""
        self.days += 1
        state, level = self._did
        every = np.arange(len(state))
        if self.days <= self.how.trial_days:
            self._tried[every, level] += np.stack([np.ones(len(state)), profit_cny], axis=1)
            if self.days == self.how.trial_days:
                self._set_out()
            return
        ahead = self._value[every, self._state(observation)].max(axis=1)
        surprise = profit_cny + self.how.discount * ahead - self._value[every, state, level]
        self._value[every, state, level] += self.how.step * surprise

    def _begin(self, periods: int) -> None:
        states = self.how.levels**2 if self.how.remembers else 1
        self._value = np.zeros((periods, states, self.how.levels))
        self._tried = np.zeros((periods, self.how.levels, 2))

    def _set_out(self) -> None:
        """Every state begins with what each level earned on average while all was tried at random, for ever."""
        often, earned = self._tried[..., 0], self._tried[..., 1]
        mean = np.divide(earned, often, out=np.zeros_like(earned), where=often > 0.0)
        self._value[:] = (mean / (1.0 - self.how.discount))[:, None, :]

    def _state(self, observation: Mapping[str, Any]) -> Any:
        share = observation["price_share"]
        if not self.how.remembers:
            return np.zeros(share.shape[1], dtype=np.intp)
        rivals = observation["surplus_mw"][1:] > 0.0
        mean = (share[1:] * rivals).sum(axis=0) / np.maximum(rivals.sum(axis=0), 1)
        top = self.how.levels - 1
        own, others = (np.rint(each * top).astype(np.intp) for each in (share[0], mean))
        return own * self.how.levels + others
