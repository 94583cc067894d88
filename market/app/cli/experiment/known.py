"""The command `experiment known`: games with published answers, published beside computed."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from pathlib import Path

from market.app.analysis.known.answer import KnownAnswer
from market.app.analysis.known.table import known_answers, known_table
from market.app.cli.console import echo
from market.app.cli.experiment.study import study
from market.app.report.printed import printed
from market.app.results.exit_codes import ExitCode
from market.app.results.table import Table
from market.app.results.telling import Telling


def known_command(out: Path | None, *, quiet: bool) -> int:
    """Solve every known game and write `known.csv`; exit code 3 where a number is not met. Raises MarketError."""
    with study(out, "known", Telling(), quiet=quiet) as under_way:
        answers = known_answers(lambda part: under_way.stage(f"solving {part}"))
        under_way.write([known_table(answers)])
        path = under_way.path
    if not quiet:
        echo(known_text(answers) + f"Everything in full precision, with sources: {path}\n", styled=True)
    return ExitCode.EQUILIBRIUM if all(answer.met for answer in answers) else ExitCode.NO_EQUILIBRIUM


def known_text(answers: Sequence[KnownAnswer]) -> str:
    """All numbers, for people: each computed one with two digits more than are published."""
    columns = ("game", "quantity", "published", "computed", "difference", "met", "regret at most")
    shown = printed("Known answers", Table("known", columns, tuple(map(_row, answers))), columns, columns)
    met = sum(answer.met for answer in answers)
    games: dict[str, list[str]] = {}
    for game, source in {a.game: a.source for a in answers}.items():
        games.setdefault(source, []).append(game)
    sources = "\n".join(f"  {'; '.join(names)}: {source}" for source, names in games.items())
    return (
        f"{shown}{met} of {len(answers)} numbers are met to their last printed digit. `*`: no player gains more, "
        f"rounding included.\nSources\n{sources}\n"
    )


def _row(answer: KnownAnswer) -> tuple[str, ...]:
    digits = len(answer.published.partition(".")[2]) + 2
    bound = "" if isnan(answer.regret_bound) else f"{answer.regret_bound:.0e}{' *' if answer.rigorous else ''}"
    computed, off = f"{answer.computed:.{digits}f}", f"{answer.difference:+.0e}"
    return (answer.game, answer.quantity, answer.published, computed, off, "yes" if answer.met else "NO", bound)
