"""The market as an environment of PettingZoo in which sellers learn to price: a step is a day.

Each day every seller posts one price for each period. Who learns names it; the others answer yesterday's prices by
their own rule or strategy, the market's best replies (26) where nothing else is said. Buyers choose as ever. The
same day comes again and again, or several in turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from gymnasium.spaces import Box, Dict
from pettingzoo import ParallelEnv

from market.app.learning.benchmarks import Benchmarks, benchmarks_of
from market.app.learning.over_processes import check_over_processes, posting, profit_over_processes_cny
from market.app.learning.trading_day import TradingDay
from market.errors import Fault, ModelError, ScenarioError
from market.model.arrays import Array, frozen
from market.scenario.scenario import Scenario

Observation: TypeAlias = dict[str, Array]
Told: TypeAlias = dict[str, Any]
ByAgent: TypeAlias = dict[str, Any]


class MarketEnv(ParallelEnv[str, Observation, Array]):  # type: ignore[misc]  # it has no types
    """V VPPs, T periods; agents are the sellers that learn.

    Action: Box(0, 1, (T,)), the share of the way from the own least price (its reserve, or the floor) to the cap,
    in each period; where the agent does not sell it counts for nothing.
    Observation, rows being the agent itself and then the others in the roster's order:

        price_share             (V, T), 0 … 1   where yesterday's prices stood on that way; 0 where none was asked
        surplus_mw, deficit_mw  (V, T), ≥ 0     what each sells and buys today
        least_price_cny_per_mwh (V, T), ≥ 0     the least that each may ask today; 0 where it does not sell
        cap_cny_per_mwh         (T,)            the most that anybody may ask; below 0 where retail is

    Reward: what the agent earned over its reserve in the day, (22), CNY. Infos: `profit_cny`, that by period, and
    `price_cny_per_mwh`, what it asked, both (T,), 0 where it does not sell. Nothing terminates; an episode is
    truncated after its `days`. Nothing in a day is random, so that seeds matter to those who learn; over processes
    they seed the network.

    day : today's games · posted_cny_per_mwh : what was asked in the last day, (V, T), NaN where nothing
    """

    metadata: dict[str, Any] = {"name": "vppmarket_v0", "render_modes": []}  # noqa: RUF012

    def __init__(
        self, days: Sequence[TradingDay], learners: Sequence[str], horizon_days: int, *, processes: bool, seed: int
    ) -> None:
        self._days = tuple(days)
        self._horizon_days = horizon_days
        self._processes = processes
        self._seed = seed
        self.render_mode = None
        self.possible_agents = list(learners)
        self.agents: list[str] = []
        self._rows = {agent: _rows_seen_by(agent, self._days[0]) for agent in self.possible_agents}
        self._observed = {agent: _observations(self._days) for agent in self.possible_agents}
        shape = (len(self._days[0].games),)
        self._acted = {agent: Box(0.0, 1.0, shape, np.float64) for agent in self.possible_agents}
        self._number = 0
        self.posted_cny_per_mwh = self._days[0].opening_cny_per_mwh

    @property
    def day(self) -> TradingDay:
        """The day that is traded next."""
        return self._days[self._number % len(self._days)]

    @property
    def traded(self) -> TradingDay:
        """The day that was traded last; before the first one, that which is traded next."""
        return self._days[max(self._number - 1, 0) % len(self._days)]

    def observation_space(self, agent: str) -> Dict:
        """As above."""
        return self._observed[agent]

    def action_space(self, agent: str) -> Box:
        """As above."""
        return self._acted[agent]

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, Told]]:
        """A new episode, as if the first offers by the market's rules had been asked the day before.

        seed : of the network over processes, from now on · options : none are known
        """
        if seed is not None:
            self._seed = seed
        self._number = 0
        self.agents = list(self.possible_agents)
        self.posted_cny_per_mwh = self.day.opening_cny_per_mwh
        return self._seen(), {agent: {} for agent in self.agents}

    def step(
        self, actions: Mapping[str, Array]
    ) -> tuple[dict[str, Observation], ByAgent, ByAgent, ByAgent, ByAgent]:
        """A day. ModelError for what is no action, or before `reset`.

        Over processes StrategyError, DispatchError and RunError as of a run.
        """
        if not self.agents:
            raise ModelError("the episode is over, or has not begun; got a step; call reset first")
        day, acting = self.day, list(self.agents)
        prices = self._posted(day, actions)
        if self._processes:
            profit = profit_over_processes_cny(day, prices, self._seed + self._number)
        else:
            profit = day.profit_cny(prices)
        self.posted_cny_per_mwh = frozen(prices)
        self._number += 1
        over = self._number >= self._horizon_days
        own = {agent: day.row(agent) for agent in acting}
        asked = np.nan_to_num(prices)
        told = {a: {"profit_cny": profit[k], "price_cny_per_mwh": asked[k]} for a, k in own.items()}
        seen = self._seen()
        self.agents = [] if over else acting
        return (
            seen,
            {agent: float(profit[k].sum()) for agent, k in own.items()},
            dict.fromkeys(acting, False),
            dict.fromkeys(acting, over),
            told,
        )

    def state(self) -> Array:
        """What everybody knows, as one vector: yesterday's shares, then today's data, row by row of the roster."""
        return np.concatenate([each.ravel() for each in self._public().values()])

    def regret_bound_cny(self) -> dict[str, float]:
        """What each agent could at most have earned in addition yesterday, the others' prices given, (M4)."""
        bound = self.traded.regrets(self.posted_cny_per_mwh).bound_cny.sum(axis=1)
        return {agent: float(bound[self.traded.row(agent)]) for agent in self.possible_agents}

    def as_run(self) -> tuple[Scenario, dict[str, object]]:
        """Yesterday as a run: `market.run(*env.as_run())` asks the same prices, with tables and certificate."""
        return self.traded.scenario, posting(self.traded, self.posted_cny_per_mwh)

    def benchmarks(self) -> Benchmarks:
        """Where today's negotiation ends, and the largest joint profit found: between these two Δ is measured."""
        return benchmarks_of(self.day)

    def _posted(self, day: TradingDay, actions: Mapping[str, Array]) -> Array:
        """What all sellers ask today, (V, T)."""
        if strangers := [name for name in actions if name not in self.agents]:
            raise ModelError(f"only agents act; got an action of {strangers[0]!r}; name one of {self.agents}")
        before = self._answered(day)
        return np.array(
            [
                day.asked(vpp, self._action(vpp, actions)) if vpp in self.agents else day.reply(vpp, before)
                for vpp in day.vpps
            ]
        )

    def _answered(self, day: TradingDay) -> Array:
        """Yesterday's prices, as far as they may be asked today; the first offers where they may not."""
        before, least = self.posted_cny_per_mwh, day.least_price_cny_per_mwh
        kept = day.sells & (before >= least) & (before <= day.cap_cny_per_mwh)
        return np.where(kept, before, day.opening_cny_per_mwh)

    def _action(self, agent: str, actions: Mapping[str, Array]) -> Array:
        shape = self._acted[agent].shape
        try:
            share = np.asarray(actions[agent], dtype=np.float64)
        except (KeyError, TypeError, ValueError):
            share = np.zeros(0)
        if share.shape != shape or not ((share >= 0.0) & (share <= 1.0)).all():
            found = f"{actions[agent]!r:.60}" if agent in actions else "none"
            raise ModelError(f"the action of {agent} must be shares from 0 to 1 of the shape {shape}; got {found}")
        return share

    def _seen(self) -> dict[str, Observation]:
        public = self._public()
        return {
            agent: {name: each[rows] if each.ndim == 2 else each for name, each in public.items()}
            for agent, rows in self._rows.items()
            if agent in self.agents
        }

    def _public(self) -> Observation:
        day = self.day
        return {
            "price_share": self.traded.share_of(self.posted_cny_per_mwh),
            "surplus_mw": day.surplus_mw,
            "deficit_mw": day.deficit_mw,
            "least_price_cny_per_mwh": day.least_price_cny_per_mwh,
            "cap_cny_per_mwh": day.cap_cny_per_mwh,
        }


def market_env(
    days: Sequence[TradingDay], learners: Sequence[str] | None, horizon_days: int, *, processes: bool, seed: int
) -> MarketEnv:
    """An environment of days alike in roster and periods. learners : None for all who ever sell

    ScenarioError with every fault at once.
    """
    sell = [vpp for k, vpp in enumerate(days[0].vpps) if any(day.sells[k].any() for day in days)]
    chosen = sell if learners is None else list(learners)
    place, faults = "parallel_env", []
    alike = {(day.vpps, len(day.games)) for day in days}
    if len(alike) > 1:
        rule = "all days must have the same VPPs and as many periods"
        faults.append(Fault(rule, f"{len(alike)} kinds", f"{place}: scenarios", "take days of one market"))
    if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(sell):
        rule = f"must be different VPPs that sell: {', '.join(sell) or 'none does'}"
        faults.append(Fault(rule, repr(chosen), f"{place}: learners", "name some of them, or none for all"))
    if type(horizon_days) is not int or horizon_days < 1:
        rule = "must be a whole number of 1 or more"
        faults.append(Fault(rule, repr(horizon_days), f"{place}: days", "say how long an episode is"))
    if faults:
        raise ScenarioError(faults)
    if processes:
        for day in days:
            check_over_processes(day)
    return MarketEnv(days, chosen, horizon_days, processes=processes, seed=seed)


def _rows_seen_by(agent: str, day: TradingDay) -> list[int]:
    own = day.row(agent)
    return [own, *(k for k in range(len(day.vpps)) if k != own)]


def _observations(days: Sequence[TradingDay]) -> Dict:
    shape = days[0].sells.shape
    return Dict(
        {
            "price_share": Box(0.0, 1.0, shape, np.float64),
            "surplus_mw": Box(0.0, np.inf, shape, np.float64),
            "deficit_mw": Box(0.0, np.inf, shape, np.float64),
            "least_price_cny_per_mwh": Box(0.0, np.inf, shape, np.float64),
            "cap_cny_per_mwh": Box(-np.inf, np.inf, shape[1:], np.float64),
        }
    )
