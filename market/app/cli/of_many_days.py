"""Tells a command line that asks for days in a row from one that asks for a day, which needs less."""

from __future__ import annotations

from market.app.cli.run import scenario_of
from market.app.cli.run_options import RunOptions
from market.scenario import DEFAULT_CASE
from market.scenario.load import says_rolling

_ROLLING = "rolling"


def is_of_many_days(options: RunOptions) -> bool:
    """Whether a command line asks for days in a row: by a flag, its scenario, or the run that it takes up."""
    if options.resume is not None:
        from market.app.results.days_folder import is_run_of_days

        return is_run_of_days(options.resume)
    if options.days is not None or options.day_folders is not None:
        return True
    set_so = any(text.strip().startswith(_ROLLING) for text in options.settings)
    if not (set_so or says_rolling(options.scenario or DEFAULT_CASE)):
        return False
    return scenario_of(options).rolling is not None
