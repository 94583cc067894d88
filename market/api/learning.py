"""The market as an environment for agents that learn, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from market.api.arguments import listed, yes_or_no
from market.app.runs.seeds import seed_fault
from market.app.runs.system import missing_linux
from market.errors import Fault, ScenarioError
from market.extras import need
from market.scenario import DEFAULT_CASE, load_scenario
from market.scenario.scenario import Scenario

if TYPE_CHECKING:
    from market.app.learning.environment import MarketEnv


def parallel_env(
    scenarios: str | Path | Scenario | Sequence[str | Path | Scenario] = DEFAULT_CASE,
    learners: Sequence[str] | None = None,
    *,
    days: int = 1000,
    processes: bool = False,
    seed: int = 0,
) -> MarketEnv:
    """An environment of PettingZoo in which sellers learn to price; each step is a day.

    scenarios : the day that comes again and again, or several that come in turn · learners : the VPPs that learn,
    all who sell where not given; the others price by their own rule or strategy, once a day
    days : after so many an episode is truncated
    processes : whether each day is traded over the bus, every plant a process; prices and profits are the same
    seed : of the network over processes
    Raises: ScenarioError where the extra `learn` is missing, a day cannot be learnt in, or nobody of that name
    sells; DispatchError where a plant's day cannot be planned.

    >>> import market
    >>> env = market.parallel_env("duopoly", days=2)
    >>> seen, _ = env.reset(seed=0)
    >>> seen["North"]["price_share"].shape, env.action_space("North").shape
    ((3, 1), (1,))
    >>> _, rewards, _, _, _ = env.step({"North": [0.4], "South": [0.9]})
    >>> {vpp: round(reward, 2) for vpp, reward in rewards.items()}
    {'North': 7830.0, 'South': 2384.27}
    """
    need("learn", "market.parallel_env")
    from market.app.learning.environment import market_env
    from market.app.learning.trading_day import planned_day

    several = [scenarios] if isinstance(scenarios, str | Path | Scenario) else listed(scenarios, "scenarios")
    names = None if learners is None else listed(learners, "learners")
    over_bus = yes_or_no(processes, "processes")
    faults = [missing_linux("processes=True")] if over_bus else []
    if not several:
        rule = "must be at least one day"
        faults.append(Fault(rule, "none", "parallel_env: scenarios", "give one, such as 'duopoly'"))
    faults.append(seed_fault(seed, "parallel_env: seed"))
    if found := [fault for fault in faults if fault]:
        raise ScenarioError(found)
    planned = [planned_day(each if isinstance(each, Scenario) else load_scenario(each)) for each in several]
    return market_env(planned, names, days, processes=over_bus, seed=seed)
