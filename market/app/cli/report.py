"""The command `report`: figures and report of a run that is over."""

from __future__ import annotations

from pathlib import Path

from market.app.cli.console import echo, echo_error
from market.app.results.exit_codes import ExitCode
from market.app.results.written_files import foreign_note
from market.app.runs.whole_day import fill_day
from market.extras import need
from market.scenario.network_flags import window_s


def report_command(folder: Path, window: str | None = None) -> int:
    """Draw the pictures and write the report of a run; what was there of either is replaced.

    window : such as `0s:2s`, of the run's time, whose messages are drawn
    """
    times_s = None if window is None else window_s(window)
    need("figures", "vppmarket report")
    fill_day(folder)
    from market.app.figures.messages import Window
    from market.app.report.file_names import REPORT
    from market.app.report.write import write_figures

    run = write_figures(folder, report=True, window=None if times_s is None else Window(*times_s))
    if note := foreign_note(str(folder), run.foreign):
        echo_error(f"note: {note}")
    echo(f"{folder / REPORT}\n")
    return ExitCode.EQUILIBRIUM
