"""A table that fits its screen: where it is too wide it is split between columns, and no cell is ever cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from market.app.report.terminal.lines import filled, folded
from market.app.report.terminal.screen import Screen
from market.letters import spelled

_LEAST_WORDS: Final = 18
"""A column of words may be folded to so many letters."""
_EMPTY: Final = Text()


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its cells are of rich's markup, one for each row.

    heading : lines parted by line breaks · group : what stands above the headings of columns beside each other
    that are alike in it · words : its cells may be folded, where others are never touched
    """

    heading: str
    cells: Sequence[str]
    right: bool = True
    group: str = ""
    words: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. keys : the columns that begin it, of which the first begins every part of it

    sum_row : the last row is set apart · most : so many columns at most stand abreast · gap : blanks between them
    sparse : a row that has nothing in a further part is left out there · note : what is said below
    """

    title: str
    keys: Sequence[Column]
    columns: Sequence[Column]
    sum_row: bool = False
    most: int = 1000
    gap: int = 1
    sparse: bool = False
    note: str = ""

    def lines(self, screen: Screen) -> Iterator[Text]:
        """The table as lines of the screen's letters; a part behind the other where it is split."""
        yield from filled(f"[bold]{self.title}[/bold]", screen) if self.title else ()
        for number, part in enumerate(self._parts(screen)):
            rows = list(range(len(self.keys[0].cells)))
            if number and self.sparse:
                rows = [row for row in rows if any(column.cells[row].plain for column in part[1:])]
            yield from _part_lines(part, rows, self, screen)
        yield from filled(self.note, screen) if self.note else ()
        yield Text()

    def _parts(self, screen: Screen) -> Iterator[list[_Drawn]]:
        """The columns of each part; columns of words take what the others leave."""
        keys, columns = ([_Drawn.of(column, screen) for column in each] for each in (self.keys, self.columns))
        room = screen.width - 1 + self.gap
        most = self.most
        if len(keys) == 1 and (parts := len(list(self._packed(keys, columns, room, most)))) > 1:
            even = -(-len(columns) // parts)  # as many in each part, if that takes no more of them
            most = even if len(list(self._packed(keys, columns, room, even))) == parts else most
        for part in self._packed(keys, columns, room, most):
            _widen(part, screen.width - 1 - self.gap * (len(part) - 1))
            yield part

    def _packed(
        self, keys: Sequence[_Drawn], columns: Sequence[_Drawn], room: int, most: int
    ) -> Iterator[list[_Drawn]]:
        """Columns side by side while there is room for their least width; groups stay together if they can."""
        part, used, own = [*keys], sum(key.least + self.gap for key in keys), len(keys)
        for at, column in enumerate(columns):
            alone = keys[0].least + self.gap
            need = _group_width(columns, at, self.gap)
            if len(part) > own and (
                used + column.least + self.gap > room
                or len(part) - own >= most
                or used + need > room >= alone + need
            ):
                yield part
                part, used, own = [keys[0]], alone, 1
            part.append(column)
            used += column.least + self.gap
        yield part


@dataclass(slots=True)
class _Drawn:
    """A column in the screen's letters. width : what it has on the page"""

    column: Column
    heading: list[str]
    group: str
    cells: list[Text]
    least: int
    most: int
    width: int

    @classmethod
    def of(cls, column: Column, screen: Screen) -> _Drawn:
        cells = [Text.from_markup(spelled(cell, screen.encoding)) for cell in column.cells]
        content = max((cell.cell_len for cell in cells), default=0)
        group = spelled(column.group, screen.encoding)
        heading = spelled(column.heading, screen.encoding).split("\n")
        if not column.words:
            longest = max(map(cell_len, column.heading.split()), default=0)  # names stay whole, to be typed again
            heading = [line for part in heading for line in folded(part, max(content, 14, longest))]
        top = max(map(cell_len, heading))
        most = max(content, top)
        least = min(most, max(_LEAST_WORDS, top)) if column.words else most
        return cls(column, heading, group, cells, least, most, least)


def _group_width(columns: Sequence[_Drawn], at: int, gap: int) -> int:
    """What the column takes; or its whole group, if it is the first of one."""
    group = columns[at].group
    if not group or (at and columns[at - 1].group == group):
        return columns[at].least + gap
    return sum(column.least + gap for column in takewhile(lambda column: column.group == group, columns[at:]))


def _widen(columns: Sequence[_Drawn], room: int) -> None:
    """Give columns of words what is left of the room, to each what it wants as far as it goes round."""
    for column in columns:
        column.width = column.least
    left = room - sum(column.width for column in columns)
    wanting = sorted((c for c in columns if c.most > c.width), key=lambda column: column.most)
    for number, column in enumerate(wanting):
        more = min(column.most - column.width, max(0, left) // (len(wanting) - number))
        column.width += more
        left -= more


def _part_lines(columns: Sequence[_Drawn], rows: Sequence[int], grid: Grid, screen: Screen) -> Iterator[Text]:
    yield Text()
    yield from _heading_lines(columns, grid.gap)
    rule = "─" * (sum(column.width + grid.gap for column in columns) - grid.gap)
    yield Text(spelled(f" {rule}", screen.encoding))
    for row in rows:
        is_sum = grid.sum_row and row == rows[-1]
        yield from [Text()] if is_sum else []
        cells = [_folded_cell(column, row) for column in columns]
        for number in range(max(map(len, cells))):
            line = _line(columns, [cell[number] if number < len(cell) else _EMPTY for cell in cells], grid.gap)
            line.stylize("bold" if is_sum else "")
            yield line


def _heading_lines(columns: Sequence[_Drawn], gap: int) -> Iterator[Text]:
    """The lines above the rule, the last of each heading nearest to it; a group's name is above its headings."""
    height = max(len(column.heading) + bool(column.group) for column in columns)
    group_at = height - 1 - max((len(column.heading) for column in columns if column.group), default=height)
    for name, members in groupby(columns, key=lambda column: column.group):
        group = list(members)
        group[0].width += max(0, cell_len(name) - sum(column.width + gap for column in group) + gap) if name else 0
    for number in range(height):
        line = Text(" ")
        for name, members in groupby(columns, key=lambda column: column.group):
            group = list(members)
            if name and number == group_at:
                line.append(name.center(sum(column.width + gap for column in group) - gap) + " " * gap)
            else:
                line.append_text(
                    _line(group, [_heading(column, number, height) for column in group], gap, "", gap)
                )
        line.rstrip()
        line.stylize("dim")
        yield line


def _heading(column: _Drawn, number: int, height: int) -> Text:
    at = number - height + len(column.heading)
    return Text(column.heading[at] if at >= 0 else "")


def _folded_cell(column: _Drawn, row: int) -> list[Text]:
    cell = column.cells[row]
    if not column.column.words or cell.cell_len <= column.width:
        return [cell]
    return [Text(line) for line in folded(cell.plain, column.width)]


def _line(columns: Sequence[_Drawn], cells: Sequence[Text], gap: int, before: str = " ", after: int = 0) -> Text:
    """One line: each cell to the right or to the left of its column. after : blanks behind the last"""
    line = Text(before)
    for number, (column, cell) in enumerate(zip(columns, cells, strict=True)):
        blanks = " " * max(0, column.width - cell.cell_len)
        line.append(" " * gap if number else "")
        line.append_text(Text(blanks).append_text(cell) if column.column.right else cell.copy().append(blanks))
    if not after:
        line.rstrip()
    return line.append(" " * after)
