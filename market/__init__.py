"""The front door for scripts and notebooks: run a day, read one back, solve and certify one period's game.

    import market

    run = market.run("five_vpp", {"market.choice_temperature_cny_per_mwh": 80})
    run.verdict, run.epsilon_cny, run.offers, run.costs

A name is imported when it is first used, so that `import market` costs next to nothing, here and in every
process of a run. docs/python.md describes all of them.
"""

from importlib import import_module

TYPE_CHECKING = False  # type checkers take it for true; `typing` itself would be most of what this import costs

if TYPE_CHECKING:
    from market import errors
    from market.api.day import load, open_run, run
    from market.api.days import ManyDays, open_days, run_days
    from market.api.game import best_response, certify, solve_period
    from market.api.learning import parallel_env
    from market.api.results import Run
    from market.api.sweep import SweepResult, sweep
    from market.app.learning.tabular import TabularLearner, bandit, q_learning
    from market.continuous_game.certify import certify_game
    from market.continuous_game.game import ContinuousGame
    from market.continuous_game.solve import solve_game
    from market.division.coalitions import CoalitionGame
    from market.division.nucleolus import nucleolus
    from market.division.shapley import shapley_value
    from market.game.period import PeriodGame
    from market.scenario.scenario import Scenario
    from vpp_nodes.strategies.turns import ChoiceTurn, DeclareTurn, Price, PriceTurn

    __version__: str
else:
    _HOMES = {
        "ChoiceTurn": "vpp_nodes.strategies.turns",
        "CoalitionGame": "market.division.coalitions",
        "ContinuousGame": "market.continuous_game.game",
        "DeclareTurn": "vpp_nodes.strategies.turns",
        "PeriodGame": "market.game.period",
        "ManyDays": "market.api.days",
        "Price": "vpp_nodes.strategies.turns",
        "PriceTurn": "vpp_nodes.strategies.turns",
        "Run": "market.api.results",
        "Scenario": "market.scenario.scenario",
        "SweepResult": "market.api.sweep",
        "TabularLearner": "market.app.learning.tabular",
        "bandit": "market.app.learning.tabular",
        "best_response": "market.api.game",
        "certify": "market.api.game",
        "certify_game": "market.continuous_game.certify",
        "load": "market.api.day",
        "nucleolus": "market.division.nucleolus",
        "open_run": "market.api.day",
        "parallel_env": "market.api.learning",
        "q_learning": "market.app.learning.tabular",
        "open_days": "market.api.days",
        "run": "market.api.day",
        "run_days": "market.api.days",
        "shapley_value": "market.division.shapley",
        "solve_game": "market.continuous_game.solve",
        "solve_period": "market.api.game",
        "sweep": "market.api.sweep",
    }

    def __getattr__(name: str) -> object:
        if name == "__version__":
            from importlib.metadata import version

            return version("vppmarket")
        if name == "errors":
            return import_module("market.errors")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "ChoiceTurn",
    "CoalitionGame",
    "ContinuousGame",
    "DeclareTurn",
    "ManyDays",
    "PeriodGame",
    "Price",
    "PriceTurn",
    "Run",
    "Scenario",
    "SweepResult",
    "TabularLearner",
    "__version__",
    "bandit",
    "best_response",
    "certify",
    "certify_game",
    "errors",
    "load",
    "nucleolus",
    "open_days",
    "open_run",
    "parallel_env",
    "q_learning",
    "run",
    "run_days",
    "shapley_value",
    "solve_game",
    "solve_period",
    "sweep",
]
