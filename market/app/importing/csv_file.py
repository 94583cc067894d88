"""`vppmarket import csv`: columns of one CSV file, as it is, become the loads, plants and prices of a scenario."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from market.app.importing.csv_form import (
    CsvForm,
    check_marks,
    moments,
    refuse_steps,
    usual_step_s,
    with_marks_and_time,
    with_sep,
)
from market.app.importing.draft import Draft, Entry, Fields, Prices, Provenance, rules
from market.app.importing.flag_words import CSV_FLAGS
from market.app.importing.source_tables import bytes_of, refuse, table_of
from market.app.importing.wanted import ImportWishes, moment_of
from market.model.calendar import NoSuchTime, end_of, hours_of_days, zone_of
from market.model.units import BadUnit, in_unit
from market.scenario.faults import suggestion
from market.scenario.fields import ID_PATTERN, is_inside
from market.scenario.series.table import CellTable
from market.scenario.shown_value import shown

ASSETS: Final = {"load": "load", "pv": "pv", "wind": "wt"}
_OM: Final = {"pv": 0, "wt": 0}


@dataclass(frozen=True, slots=True)
class CsvWishes:
    """What the flags say. columns : by flag (`load`, `pv`, `wind`) the texts ID=COLUMN

    batteries : texts ID=ENERGY,POWER
    """

    file: Path
    columns: Mapping[str, Sequence[str]]
    batteries: Sequence[str]
    unit: str
    price_unit: str | None
    form: CsvForm


@dataclass(frozen=True, slots=True)
class _Role:
    """A column and what it is of."""

    vpp: str
    kind: str
    column: str
    flag: str


def csv_draft(wishes: CsvWishes, wanted: ImportWishes) -> Draft:
    """A scenario of the columns that the flags name. ScenarioError for what cannot be."""
    roles = list(_roles(wishes))
    if not roles:
        refuse("must name a column", "none", "--load", "say --load ID=COLUMN, --pv ID=COLUMN or --wind ID=COLUMN")
    _check_lengths(wishes)
    check_marks(wishes.form)
    data = bytes_of(wishes.file)
    form = with_sep(wishes.form, _text(data, wishes))
    table = table_of(wishes.file, **form.table_fields())
    if not table.cells:
        remedy = "give a file with rows, or say --skip if its header stands further down"
        refuse(
            "must have rows below its header",
            f"only the header {', '.join(table.header[:12])}",
            table.name,
            remedy,
        )
    prices = {name: text for name in ("retail", "feed_in") if (text := getattr(wanted, name)) in table.header}
    for role in roles:
        _need_column(role.column, table, role.flag)
    for name in ("retail", "feed_in"):
        text = getattr(wanted, name)
        if text is not None and name not in prices and not _is_value(text, wanted.currency):
            _need_column(text, table, f"--{name.replace('_', '-')}")
    used = dict.fromkeys([*(role.column for role in roles), *(text for text in prices.values() if text)])
    form = with_marks_and_time(form, table, list(used), table.name)
    name = _plain_name(wishes.file.name)
    source = {"file": name, **form.fields()}
    series = _series(roles, source, wishes.unit)
    replace(wanted, retail=None, feed_in=None).prices()  # refuses a carbon price that is none
    told = Prices.given(wanted.retail, wanted.feed_in, wanted.carbon, wanted.currency)
    price_unit = wishes.price_unit or f"{wanted.currency}/MWh"
    for price in ("retail", "feed_in"):
        value = getattr(told, price)
        series[price] = {**source, "column": value, "unit": price_unit} if price in prices else value
    horizon, outside = _horizon(wanted, form, table)
    return Draft(
        f"Plants of {wishes.file.name}",
        wanted.currency,
        {"horizon": horizon, **rules(wanted.currency, told)},
        series,
        _vpps(roles, wishes.batteries, wanted.currency),
        {name: data},
        _account(wanted, wishes, roles, used, table, form, told, outside),
        _places(roles, wishes.batteries),
        CSV_FLAGS,
    )


def _places(roles: Sequence[_Role], batteries: Sequence[str]) -> dict[str, str]:
    """The flags by what is made of them."""
    ids = list(dict.fromkeys(role.vpp for role in roles))
    owners = [text.partition("=")[0] for text in batteries]
    return {
        **{f"series.{role.vpp}_{role.kind}": f"{role.flag}={role.column}" for role in roles},
        **{f"vpps[{place}].ess": f"--battery {vpp}" for place, vpp in enumerate(ids) if vpp in owners},
    }


def _check_lengths(wishes: CsvWishes) -> None:
    """What takes a value with its unit has one."""
    for text, unit, flag, remedy in (
        (wishes.form.longest_gap, "h", "--longest-gap", "write it like '2 h' or '90 min'"),
        (wishes.form.clip, wishes.unit, "--clip", f"write it like '1 {wishes.unit}'"),
    ):
        try:
            if text is not None and in_unit(text, unit) < 0:
                refuse("must not be below 0", shown(text), flag, "say it without its sign")
        except BadUnit as error:
            refuse(error.rule, error.found, flag, remedy)


def _roles(wishes: CsvWishes) -> Iterator[_Role]:
    for flag, texts in wishes.columns.items():
        for text in texts:
            vpp, equals, column = text.partition("=")
            if not equals or not column or not re.fullmatch(ID_PATTERN, vpp):
                rule = "must be the id of a plant, =, and a column"
                refuse(rule, shown(text), f"--{flag}", f"write it like --{flag} Farm='name of the column'")
            yield _Role(vpp, ASSETS[flag], column, f"--{flag} {vpp}")


def _need_column(column: str, table: CellTable, flag: str) -> None:
    if column not in table.header:
        more = f" and {len(table.header) - 12} more" if len(table.header) > 12 else ""
        remedy = f"{suggestion(column, table.header)}{table.name} has {', '.join(table.header[:12])}{more}"
        if table.header[0].startswith(("#", "//", ";")):
            remedy += "; say --skip N if the first N lines stand above the header"
        refuse("must be a column of the file", shown(column), flag, remedy)


def _is_value(text: str, currency: str) -> bool:
    try:
        in_unit(text, "CNY/MWh", currency)
    except BadUnit as error:
        if re.match(r"\s*[-+]?\d", text):
            refuse(error.rule, error.found, "--retail or --feed-in", error.remedy)
        return False
    return True


def _text(data: bytes, wishes: CsvWishes) -> str:
    try:
        return data[:65536].decode(wishes.form.encoding or "utf-8-sig", errors="ignore")
    except LookupError:
        refuse(
            "must be a known encoding", shown(wishes.form.encoding), "--encoding", "say utf-8, latin-1 or cp1252"
        )


def _plain_name(name: str) -> str:
    plain = re.sub(r"[^\w.,()+-]+", "_", name)
    return plain if is_inside(plain) and plain not in ("README.md", "scenario.yaml") else "data.csv"


def _series(roles: Sequence[_Role], source: Fields, unit: str) -> dict[str, Entry]:
    """A series for each column of the scenario; several columns for one are added up."""
    found: dict[str, list[Fields]] = {}
    for role in roles:
        entry = {**source, "column": role.column, "unit": unit}
        found.setdefault(f"{role.vpp}_{role.kind}", []).append(entry)
    for vpp in dict.fromkeys(role.vpp for role in roles):
        found.setdefault(f"{vpp}_load", [])
    return {
        name: (entries[0] if len(entries) == 1 else entries) if entries else "0 MW"
        for name, entries in found.items()
    }


def _vpps(roles: Sequence[_Role], batteries: Sequence[str], currency: str) -> list[Fields]:
    vpps: dict[str, Fields] = {}
    for role in roles:
        vpp = vpps.setdefault(role.vpp, {"id": role.vpp})
        if role.kind in _OM:
            vpp[role.kind] = {"om_cost": f"{_OM[role.kind]} {currency}/MWh"}
    for text in batteries:
        vpp_id, equals, said = text.partition("=")
        energy, comma, power = (part.strip() for part in said.partition(","))
        if not equals or not comma or vpp_id not in vpps:
            rule = "must be the id of a plant that has a column, =, energy and power"
            refuse(rule, shown(text), "--battery", "write it like --battery Farm='400 kWh, 150 kW'")
        if "ess" in vpps[vpp_id]:
            remedy = "give one; further ones stand in scenario.yaml as units: [{id: B2, kind: ess, …}]"
            refuse("must be given only once for a plant", shown(text), "--battery", remedy)
        for value, unit in ((energy, "MWh"), (power, "MW")):
            try:
                in_unit(value, unit)
            except BadUnit as error:
                refuse(error.rule, error.found, f"--battery {vpp_id}", error.remedy)
        vpps[vpp_id]["ess"] = battery(energy, power, currency)
    return list(vpps.values())


def battery(energy: str, power: str, currency: str) -> Fields:
    """A battery of which nothing but its size is known."""
    return {"energy": energy, "charge_max": power, "discharge_max": power, "wear": f"0 {currency}/MWh"}


def _horizon(wanted: ImportWishes, form: CsvForm, table: CellTable) -> tuple[Fields, list[str]]:
    """The whole days that the file has, in its own steps; or what flags or another scenario say.

    And what rows that leaves out, in words.
    """
    if wanted.base is not None:
        return wanted.base.horizon_fields, []
    zone, times = wanted.zone or "UTC", moments(form, table)
    step_s = usual_step_s(times)
    if step_s <= 0:
        refuse_steps(times, table.name)
    earliest, latest = (_local(time, zone) for time in (times[0], times[-1]))
    start = wanted.start or earliest.date().isoformat()
    begin = moment_of(start, zone)
    covered_h = (latest - begin).total_seconds() / 3600.0 + (0.0 if form.stamp == "end" else step_s / 3600.0)
    days = max([1, *(count for count in range(1, 367) if hours_of_days(begin, count) <= covered_h + 1e-6)])
    fields, horizon = wanted.horizon(start, days, step_s / 3600.0, zone)
    place = bisect_right if form.stamp == "end" else bisect_left
    edges = (edge.astimezone(UTC) for edge in (begin, end_of(horizon)))
    first, last = (place(times, edge, key=partial(_local, zone=zone)) for edge in edges)
    return fields, list(_left_out(first, len(times) - last, begin))


def _left_out(before: int, after: int, begin: datetime) -> Iterator[str]:
    """The rows outside of the horizon, in words."""
    for count, where in ((before, f"before {begin:%Y-%m-%d %H:%M}"), (after, "after the last whole day taken")):
        if count:
            yield f"{count} row{'s' if count > 1 else ''} {where}; say --start and --days for other days"


def _local(time: datetime, zone: str) -> datetime:
    try:
        known = time if time.tzinfo else time.replace(tzinfo=zone_of(zone))
        return known.astimezone(UTC).astimezone(zone_of(zone))
    except NoSuchTime as error:
        refuse(error.rule, shown(zone), "--tz", error.remedy)


def _account(
    wanted: ImportWishes,
    wishes: CsvWishes,
    roles: Sequence[_Role],
    used: Mapping[str, None],
    table: CellTable,
    form: CsvForm,
    prices: Prices,
    outside: Sequence[str],
) -> Provenance:
    unused = [name for name in table.header if name not in used and name != form.time]
    form_told = ", ".join(f"{name} {value!r}" for name, value in form.fields().items())
    dropped = [*([f"columns that no flag names: {', '.join(unused)}"] if unused else []), *outside]
    no_load = [
        vpp
        for vpp in dict.fromkeys(role.vpp for role in roles)
        if not any(r.vpp == vpp and r.kind == "load" for r in roles)
    ]
    assumed = list(wanted.assumed(prices))
    if any(role.kind in _OM for role in roles):
        assumed.append("sun and wind cost nothing to run (om_cost)")
    if wishes.batteries:
        assumed.append(
            "batteries: wear costs nothing; 95 % of what is taken is stored, 95 % of that comes back; "
            "10 to 90 % are used"
        )
    if no_load:
        assumed.append(f"no load, since no column is named: {', '.join(no_load)}")
    return Provenance(
        (f"{wishes.file.name}, copied as it is",),
        (
            *(f"{role.vpp} {role.kind}: column {role.column}, {wishes.unit}" for role in roles),
            f"the file's form: {form_told}",
        ),
        tuple(dropped),
        tuple(assumed),
    )
