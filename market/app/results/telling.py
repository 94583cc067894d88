"""How a run is told to people and files: money by the scenario's currency, periods with the time they begin at.

In code `cny` stands for the scenario's currency, whatever it is, and a period is a number. What leaves the
program, or comes back into it, passes here; of a scenario in CNY without a start nothing is changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

import numpy as np

from market.app.results.blocks import BlockRows
from market.app.results.records import TEXT, Column, Records
from market.app.results.table import Cell, Table
from market.model.calendar import clock_ends, clock_labels, span_text, stamps
from market.model.currency import DEFAULT_CURRENCY, plain_column, spoken_name, spoken_text
from market.model.public import PublicScenario
from market.model.rules import Horizon
from market.scenario.scenario import Scenario

START: Final = "start"
PERIOD: Final = "period"
CURRENCY: Final = "currency"
_PICTURE = re.compile(r'(data:image/[^"]*)')


@dataclass(frozen=True, slots=True)
class Telling:
    """What a run is told by. names : ids and titles of people, which stay as they are"""

    currency: str = DEFAULT_CURRENCY
    horizon: Horizon = field(default_factory=Horizon)
    names: tuple[str, ...] = ()

    @property
    def starts(self) -> tuple[str, ...]:
        """When each period begins, ISO 8601; empty where that is not known."""
        return stamps(self.horizon)

    @property
    def span(self) -> str:
        """From when to when; empty where that is not known."""
        return span_text(self.horizon)

    def columns(self, columns: Sequence[str]) -> tuple[str, ...]:
        """The columns of a table as they are written."""
        names = [spoken_name(name, self.currency) for name in columns]
        if self.starts and PERIOD in names:
            names.insert(names.index(PERIOD) + 1, START)
        return tuple(names)

    def table(self, table: Table) -> Table:
        """A table as it is written."""
        if not isinstance(table.rows, BlockRows) and (not self.starts or PERIOD not in table.columns):
            return Table(table.name, self.columns(table.columns), table.rows)
        if isinstance(table.rows, BlockRows):
            if self.columns(table.columns) == table.columns:
                return table
            blocks = table.rows.blocks
            return Table.of_blocks(table.name, self.columns(table.columns), lambda: map(self._block, blocks()))
        place, starts = table.columns.index(PERIOD), self.starts
        rows = tuple(_with_start(row, place, starts) for row in table.rows)
        return Table(table.name, self.columns(table.columns), rows)

    def _block(self, records: Records) -> Records:
        """A block of a table as it is written."""
        found: dict[str, Column] = {}
        for name, column in records.columns.items():
            found[spoken_name(name, self.currency)] = column
            if name == PERIOD and self.starts:
                found[START] = np.array(["", *self.starts], dtype=TEXT)[column]
        return Records(found)

    def document(self, document: Any) -> Any:
        """A document of JSON as it is written: its names of money, and its sentences about it."""
        return self._mapped(document, lambda name: spoken_name(name, self.currency), self.text)

    def plain_document(self, document: Any) -> Any:
        """The same as code knows it, but for its sentences. ValueError where a name is of another currency."""
        plain = self._mapped(document, lambda name: plain_column(name, self.currency), str)
        again = self._mapped(plain, lambda name: spoken_name(name, self.currency), str)
        if again != document:
            raise ValueError(f"its names of money must be told in {self.currency}")
        return plain

    def text(self, text: str) -> str:
        """A sentence, a page, a drawing: in the scenario's currency; pictures inside a page stay as they are."""
        if self.currency == DEFAULT_CURRENCY:
            return text
        parts = _PICTURE.split(text)
        return "".join(
            part if place % 2 else spoken_text(part, self.currency, self.names) for place, part in enumerate(parts)
        )

    def period(self, number: int) -> str:
        """A period, from 1, with what the clocks show as it begins.

        >>> morning = Horizon(2, 1, "2016-06-15T06:00+02:00", "Europe/Berlin")
        >>> Telling().period(2), Telling(horizon=morning).period(2)
        ('2', '2, 07:00')
        """
        return f"{number}, {self.clocks[number - 1]}" if self.clocks else str(number)

    @property
    def clocks(self) -> tuple[str, ...]:
        """What the clocks show as each period begins; empty where that is not known."""
        return clock_labels(self.horizon)

    @property
    def ends(self) -> tuple[str, ...]:
        """What they show as it ends."""
        return clock_ends(self.horizon)

    @property
    def axis(self) -> str:
        """What an axis of periods is called."""
        return f"time, {self.horizon.tz or 'UTC'}" if self.starts else PERIOD

    def _mapped(self, document: Any, name_of: Callable[[str], str], text_of: Callable[[str], str]) -> Any:
        if self.currency == DEFAULT_CURRENCY:
            return document
        if isinstance(document, Mapping):
            return {
                name if name in self.names else name_of(name): self._mapped(value, name_of, text_of)
                for name, value in document.items()
            }
        if isinstance(document, list | tuple):
            return [self._mapped(value, name_of, text_of) for value in document]
        return text_of(document) if isinstance(document, str) else document


def telling_of(scenario: Scenario | PublicScenario) -> Telling:
    """How a scenario's run is told."""
    public = scenario.public
    return Telling(public.currency, public.horizon, _names(scenario.name, scenario.title, *scenario.roster))


def telling_of_manifest(manifest: Mapping[str, Any]) -> Telling:
    """The same by the manifest of a run, or what may be one; sound where the manifest is."""
    horizon = manifest.get("rules", {}).get("horizon", {})
    names = (str(manifest.get(name, "")) for name in ("scenario", "title"))
    known = {name: horizon[name] for name in ("periods", "period_h", "start", "tz") if name in horizon}
    return Telling(
        str(manifest.get(CURRENCY, DEFAULT_CURRENCY)),
        Horizon(**known),
        _names(*names, *map(str, manifest["vpps"])),
    )


def _names(*names: str) -> tuple[str, ...]:
    """Names of people, and as a page has them."""
    return tuple(dict.fromkeys(form for name in names if name for form in (name, escape(name))))


def _with_start(row: tuple[Cell, ...], place: int, starts: tuple[str, ...]) -> tuple[Cell, ...]:
    number = row[place]
    start = starts[number - 1] if isinstance(number, int) and 0 < number <= len(starts) else ""
    return (*row[: place + 1], start, *row[place + 1 :])
