"""The command `experiment forecast`: one market day and many realities, for several sizes of forecast errors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from market.app.analysis.forecast import forecast_study, forecast_tables
from market.app.cli.console import echo
from market.app.cli.experiment.options import StudyOptions
from market.app.cli.experiment.study import Study, study
from market.app.report.printed import printed
from market.app.results.exit_codes import ExitCode
from market.app.results.table import Table
from market.app.results.telling import telling_of
from market.errors import Fault, ScenarioError


@dataclass(frozen=True, slots=True)
class ForecastOptions:
    """The flags that no other study has. shares : as typed"""

    shares: str
    correlation: float
    seeds: int


def forecast_command(options: StudyOptions, forecast: ForecastOptions) -> int:
    """Trade once, let the day become real in many ways, write four tables and a picture. Raises MarketError."""
    shares = shares_of(forecast.shares)
    scenario = options.load()
    with study(options.out, f"forecast-{scenario.name}", telling_of(scenario), quiet=options.quiet) as under_way:
        under_way.stage("planning and trading")
        solve_all = partial(under_way.solve_all, "becoming real")
        found = forecast_study(scenario, shares, forecast.correlation, forecast.seeds, solve_all)
        tables = forecast_tables(found)
        under_way.write(tables)
        under_way.stage("drawing")
        _illustrate(under_way, tables)
        path = under_way.path
    if not options.quiet:
        echo(
            under_way.told.text(forecast_text(scenario.name, tables)) + f"Everything in full precision: {path}\n",
            styled=True,
        )
    return ExitCode.EQUILIBRIUM


def shares_of(text: str) -> tuple[float, ...]:
    """The sizes of errors, each once, in their order. ScenarioError for what is none.

    >>> shares_of("0.05, 0.1,0.1")
    (0.05, 0.1)
    """
    found, faults = list[float](), list[Fault]()
    for part in text.split(","):
        try:
            share = float(part)
        except ValueError:
            share = -1.0
        if not 0.0 <= share <= 10.0:
            rule, remedy = "must be shares from 0 to 10, commas between them", "write it like 0.05,0.1,0.2"
            faults.append(Fault(rule, repr(part.strip()[:20]), "--shares", remedy))
        found.append(share)
    if faults:
        raise ScenarioError(list(dict.fromkeys(faults)))
    return tuple(dict.fromkeys(found))


def _illustrate(under_way: Study, tables: tuple[Table, ...]) -> None:
    from market.app.figures.forecast_errors import forecast_errors_picture

    under_way.illustrate([forecast_errors_picture(tables[0], tables[1])])


_SHARES = {
    "noise_share": "error, share",
    "days": "days",
    "days_with_losers": "share of days with a loser",
    "plants_that_lose": "share of plants that lose",
    "planned_saving_cny": "trade saves, planned CNY",
    "mean_saving_cny": "trade saves, in fact CNY",
    "mean_grid_only_imbalance_cny": "imbalance without trade CNY",
    "mean_game_imbalance_cny": "imbalance with trade CNY",
}
_PLANTS = {
    "vpp": "",
    "planned_saving_cny": "saves, planned CNY",
    "mean_saving_cny": "saves, in fact CNY",
    "least_saving_cny": "least on a day CNY",
    "losing_days": "share of days it loses",
    "mean_grid_only_imbalance_cny": "imbalance without trade CNY",
    "mean_game_imbalance_cny": "imbalance with trade CNY",
}
_SCHEDULES = {
    "vpp": "",
    "unit": "",
    "mean_quantile": "quantile",
    "forecast_cny": "as forecast CNY",
    "newsvendor_cny": "newsvendor CNY",
    "perfect_cny": "all known CNY",
}


def forecast_text(name: str, tables: tuple[Table, ...]) -> str:
    """What errors cost, who bears it and who loses, for people; of plants at the largest errors alone."""
    shares, plants, _, schedules = tables
    most = max(float(row[0]) for row in shares.rows)
    parts = [
        (f"{name}: one day by its forecast, and as it became real", shares, _SHARES),
        (f"Each plant, mean of its days with errors of {most:g}", _only(plants, most), _PLANTS),
        (f"Wind and PV plants alone, errors of {most:g}: what schedules earn", _only(schedules, most), _SCHEDULES),
    ]
    shown = (printed(title, table, [*names], [*names.values()]) for title, table, names in parts if table.rows)
    return "\n".join(shown) + "\n"


def _only(table: Table, share: float) -> Table:
    """The rows of one size of errors."""
    return Table(table.name, table.columns, tuple(row for row in table.rows if row[0] == share))
