"""Owns the front door for scripts and notebooks. Knows nothing of what is behind it until it is asked for.

    import market

    run = market.run("five_vpp", {"market.choice_temperature_cny_per_mwh": 80})
    run.verdict, run.epsilon_cny, run.offers, run.costs

A name is looked for when it is first used, so that `import market` costs next to nothing, here and in every
process of a run. docs/python.md tells of all of them.
"""

from importlib import import_module

TYPE_CHECKING = False  # type checkers take it for true; `typing` itself would be most of what this import costs

if TYPE_CHECKING:
    from market import errors
    from market.api.day import load, open_run, run
    from market.api.game import best_response, certify, solve_period
    from market.api.results import Run
    from market.game.period import PeriodGame
    from market.scenario.scenario import Scenario

    __version__: str
else:
    _HOMES = {
        "PeriodGame": "game.period",
        "Run": "api.results",
        "Scenario": "scenario.scenario",
        "best_response": "api.game",
        "certify": "api.game",
        "load": "api.day",
        "open_run": "api.day",
        "run": "api.day",
        "solve_period": "api.game",
    }

    def __getattr__(name: str) -> object:
        if name == "__version__":
            from importlib.metadata import version

            return version("vppmarket")
        if name == "errors":
            return import_module("market.errors")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "PeriodGame",
    "Run",
    "Scenario",
    "__version__",
    "best_response",
    "certify",
    "errors",
    "load",
    "open_run",
    "run",
    "solve_period",
]
