"""Writes a scenario to a folder of its own, as people would write it; it loads as the same, to the last bit.

The whole scenario, or as much of it as is known here: with the roster of the others, and without their plants.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from market.errors import Fault, RunError, ScenarioError
from market.model.arrays import Array
from market.model.calendar import stamps
from market.model.currency import spoken_name
from market.model.public import PublicRules
from market.scenario.as_fields import Fields, measured_samples, scenario_fields
from market.scenario.document import FILE_NAME, MAX_MEBIBYTES
from market.scenario.fields import Section
from market.scenario.network_samples import COLUMN
from market.scenario.network_samples import MAX_MEBIBYTES as MAX_SAMPLES_MEBIBYTES
from market.scenario.private import create_file, take_folder
from market.scenario.profiles import FEED_IN, PERIOD, RETAIL, START, power_column
from market.scenario.profiles import MAX_MEBIBYTES as MAX_PROFILES_MEBIBYTES
from market.scenario.scenario import Scenario
from market.scenario.schema import PartialFile, ScenarioFile
from market.scenario.unit_columns import (
    GRID_EMISSION,
    imbalance_prices_by_period,
    realised_columns,
    tariff_columns,
    unit_columns,
)
from market.scenario.yaml_text import yaml_lines
from market.system_fault import reason_and_remedy, reason_of

TARIFF_FILE = "tariff.csv"
_FEW_SAMPLES = 20  # so many may stand in scenario.yaml itself
_CELLS = 2_000_000  # of a file of profiles: at 25 bytes each they stay within its limit
_HEADER = """\
# Written by vppmarket: it loads as the scenario it was written from, to the last bit. Units are in the names.
# A plant or a limit that is left out is not there; anything else that is left out takes its default.
"""

Columns = Mapping[str, Array]


def write_scenario(scenario: Scenario, folder: Path) -> None:
    """Write it as a folder that `load_scenario` reads as the same: digests, name, and order of everything.

    The folder is new, or holds nothing yet; only its owner may enter it (0700) and read its files (0600).
    scenario.yaml comes last: a folder that has it is complete. ScenarioError where the folder cannot be had,
    RunError where the disk refuses.
    """
    files = _files(scenario)
    _take(folder)
    for name, text in files.items():
        try:
            create_file(folder / name, text)
        except OSError as error:
            raise RunError(f"{folder / name} cannot be written: {reason_and_remedy(error)}") from None


def _take(folder: Path) -> None:
    try:
        empty = take_folder(folder)
    except OSError as error:
        remedy = "name a folder that is not there yet, where you may write"
        raise ScenarioError(
            [Fault("the folder must be one of our own", reason_of(error), str(folder), remedy)]
        ) from None
    if not empty:
        remedy = "name a new folder: nothing is ever overwritten"
        raise ScenarioError([Fault("the folder must be empty", "a folder with files", str(folder), remedy)])


def _files(scenario: Scenario) -> dict[str, bytes]:
    """The content of every file by its name, `scenario.yaml` last. ScenarioError if one is too long to be read."""
    tables = _tables(scenario)
    samples = _sample_files(scenario)
    schema = ScenarioFile if scenario.whole else PartialFile
    currency = scenario.public.currency
    fields = scenario_fields(scenario, list(tables), samples)
    fields = {name: _spoken(value, currency, scenario.roster) for name, value in fields.items()}
    text = _text(fields, schema)
    return {
        **{
            name: _checked(name, _csv(columns, scenario.public), MAX_PROFILES_MEBIBYTES)
            for name, columns in tables.items()
        },
        **{name: _checked(name, _sample_csv(kept), MAX_SAMPLES_MEBIBYTES) for kept, name in samples.items()},
        FILE_NAME: _checked(FILE_NAME, text, MAX_MEBIBYTES),
    }


def _checked(name: str, text: str, max_mebibytes: int) -> bytes:
    data = text.encode()
    if len(data) > max_mebibytes << 20:
        rule = f"a file of a scenario must have at most {max_mebibytes} MiB"
        remedy = "use fewer links or samples"
        raise ScenarioError([Fault(rule, f"{len(data) / (1 << 20):.1f} MiB, written out", name, remedy)])
    return data


def _tables(scenario: Scenario) -> dict[str, Columns]:
    """The columns by file: the tariff, which is everybody's, in its own; the plants' in as few as hold them."""
    tariff = scenario.public.tariff
    emission = scenario.public.carbon.grid_emission_by_period_t_per_mwh
    tables: dict[str, Columns] = {
        TARIFF_FILE: {
            RETAIL: tariff.retail_cny_per_mwh,
            FEED_IN: tariff.feed_in_cny_per_mwh,
            **({} if emission is None else {GRID_EMISSION: emission}),
            **dict(imbalance_prices_by_period(scenario.public)),
        }
    }
    plants = list({**dict(_plant_columns(scenario)), **dict(tariff_columns(scenario.vpps))}.items())
    width = max(1, _CELLS // scenario.public.horizon.periods)
    for number, start in enumerate(range(0, len(plants), width), start=1):
        name = "profiles.csv" if number == 1 else f"profiles_{number}.csv"
        tables[name] = dict(plants[start : start + width])
    return tables


def _plant_columns(scenario: Scenario) -> Iterator[tuple[str, Array]]:
    for vpp in scenario.vpps:
        yield power_column(vpp.id, "load"), vpp.load_mw
        if vpp.wt is not None:
            yield power_column(vpp.id, "wt"), vpp.wt.forecast_mw
        if vpp.pv is not None:
            yield power_column(vpp.id, "pv"), vpp.pv.forecast_mw
        yield from unit_columns(vpp)
        yield from realised_columns(vpp)


def _sample_files(scenario: Scenario) -> dict[tuple[float, ...], str]:
    """The name of a file for each long list of measured latencies."""
    long = [samples for samples in measured_samples(scenario.network) if len(samples) > _FEW_SAMPLES]
    names = ["latency.csv", *(f"latency_{number}.csv" for number in range(2, len(long) + 1))]
    return dict(zip(long, names, strict=False))


def _csv(columns: Columns, public: PublicRules) -> str:
    """A table of periods, counted from 1, with their start if known; each number as its shortest exact text."""
    names = [spoken_name(name, public.currency) for name in columns]
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    starts = stamps(public.horizon)
    periods = [f"{at},{start}" for at, start in enumerate(starts, 1)] or range(1, public.horizon.periods + 1)
    lines = (f"{period},{','.join(map(repr, row))}" for period, row in zip(periods, rows, strict=True))
    return _lines([",".join([PERIOD, *([START] if starts else []), *names]), *lines])


def _spoken(value: object, currency: str, ids: Sequence[str]) -> object:
    """Fields by the names that people of this currency use; ids, which are names as well, stay."""
    if isinstance(value, dict):
        return {
            name if name in ids else spoken_name(name, currency): _spoken(below, currency, ids)
            for name, below in value.items()
        }
    return [_spoken(item, currency, ids) for item in value] if isinstance(value, list) else value


def _sample_csv(samples: Sequence[float]) -> str:
    return _lines([COLUMN, *map(repr, samples)])


def _text(fields: Fields, schema: type[Section]) -> str:
    """The text of `scenario.yaml`: each section behind a line on what it is."""
    parts = [_HEADER]
    for name, value in fields.items():
        lines = list(yaml_lines({name: value}))
        about = f"# {schema.model_fields[name].description}"
        parts.append(_lines(["", about, *lines] if len(lines) > 1 else lines))
    return "".join(parts)


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
