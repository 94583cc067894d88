"""What was changed between runs, field by field: rules, plants, series, network, seed, and how they were run.

Fields bear their paths in `scenario.yaml`, series the names of their columns. A plant is compared where every
run's folder keeps it; of others their digests tell whether they are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from market.app.results.manifest import EMISSION_IS_SERIES
from market.app.results.recorded import RecordedRun
from market.model.arrays import Array
from market.scenario.scenario import Scenario
from market.scenario.unit_columns import GRID_EMISSION

NONE: Final = "none"
_SAME_FACTOR: Final = 1e-9
_PERIODS_NAMED: Final = 6


@dataclass(frozen=True, slots=True)
class CompareInput:
    """A run, and the scenario that its folder keeps, where it keeps the one that was run."""

    run: RecordedRun
    scenario: Scenario | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A field that is not the same in all runs: its path, and what it is in each of them, in words."""

    path: str
    values: tuple[str, ...]


def changes(inputs: Sequence[CompareInput]) -> tuple[Change, ...]:
    """Everything that was not the same from the start, in the order of a scenario's file."""
    scenarios = [each.scenario for each in inputs if each.scenario is not None]
    if len(scenarios) == len(inputs):
        found = [*_fields(inputs, scenarios), *_unknown_plants(scenarios), *_series(scenarios)]
    else:
        found = list(_differences("", [_rules(each.run) for each in inputs]))
    return (*found, *_circumstances([each.run for each in inputs]))


def changes_notes(inputs: Sequence[CompareInput], names: Sequence[str]) -> Iterator[str]:
    """Whose plants are not known, so that a change in them cannot be told; names : of the runs"""
    lacking = [name for each, name in zip(inputs, names, strict=False) if each.scenario is None]
    if lacking:
        which = " and the ".join(lacking)
        yield f"no scenario as it was run is kept with the {which} run: rules are compared, plants and series not"
        return
    for each, name in zip(inputs, names, strict=False):
        scenario = each.scenario
        if scenario is not None and not scenario.whole:
            here = {vpp.id for vpp in scenario.vpps}
            absent = [vpp for vpp in scenario.roster if vpp not in here and not _same_by_digest(vpp, inputs)]
            if absent:
                whose = f"the {name} run does not know the plants of {', '.join(absent)}"
                yield f"{whose}: what was changed in them is not shown"


def _same_by_digest(vpp: str, inputs: Sequence[CompareInput]) -> bool:
    """Whether all runs know that they had the same plant, though not all know the plant."""
    digests = {each.scenario.digest_by_vpp.get(vpp, "") for each in inputs if each.scenario is not None}
    return len(digests) == 1 and "" not in digests


def _rules(run: RecordedRun) -> Mapping[str, Any]:
    conditions, rules = run.manifest["conditions"], run.manifest["rules"]
    carbon = {name: value for name, value in rules["carbon"].items() if name != EMISSION_IS_SERIES}
    if EMISSION_IS_SERIES in rules["carbon"]:
        carbon[GRID_EMISSION] = _told_series(carbon[GRID_EMISSION])
    return {**rules, "carbon": carbon, **({"network": conditions} if conditions else {})}


def _fields(inputs: Sequence[CompareInput], scenarios: Sequence[Scenario]) -> Iterator[Change]:
    """Fields of the file; those of the network only where all runs had one."""
    from market.scenario.as_fields import long_fields

    told = [long_fields(scenario) for scenario in scenarios]
    common = set.intersection(*({vpp.id for vpp in scenario.vpps} for scenario in scenarios))
    messages = all(each.run.manifest["conditions"] for each in inputs)
    emissions = [scenario.public.carbon.grid_emission_by_period_t_per_mwh for scenario in scenarios]
    for fields, emission in zip(told, emissions, strict=True):
        if emission is not None:
            several = all(each is not None for each in emissions)  # they are compared as series
            fields["carbon"][GRID_EMISSION] = "a series" if several else _told_series(float(emission.mean()))
        fields["vpps"] = {vpp["id"]: vpp for vpp in fields["vpps"] if vpp["id"] in common}
        for name in ("roster", "name", *(() if messages else ("network",))):
            fields.pop(name)
    yield from _differences("", told)
    rosters = [", ".join(scenario.roster) for scenario in scenarios]
    if len(set(rosters)) > 1:
        yield Change("vpps", tuple(rosters))


def _told_series(mean: float) -> str:
    """What is told of a series where another run has one number."""
    return f"series, mean {mean:.6g}"


def _differences(path: str, values: Sequence[Any]) -> Iterator[Change]:
    """Every leaf that differs below a path. What is a section in one run and nothing in another is told as one."""
    if all(isinstance(value, Mapping) for value in values):
        for name in dict.fromkeys(name for value in values for name in value):
            yield from _differences(f"{path}.{name}" if path else name, [value.get(name) for value in values])
    elif any(value != values[0] for value in values):
        yield Change(path, tuple(map(_words, values)))


def _words(value: Any) -> str:
    """A value on one line, without what says nothing."""
    if value is None or value == "":
        return NONE
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(item)}" for name, item in value.items() if item is not None) or NONE
    if isinstance(value, list | tuple):
        return "; ".join(map(_words, value)) or NONE
    return str(value)


def _unknown_plants(scenarios: Sequence[Scenario]) -> Iterator[Change]:
    """Plants that not every run knows, by their digests where all have them."""
    known = set.intersection(*({vpp.id for vpp in scenario.vpps} for scenario in scenarios))
    for vpp in scenarios[0].roster:
        digests = [scenario.digest_by_vpp.get(vpp, "") for scenario in scenarios]
        if vpp not in known and all(digests) and len(set(digests)) > 1:
            yield Change(f"vpps.{vpp}", tuple(f"plant {digest[:12]}…" for digest in digests))


def _series(scenarios: Sequence[Scenario]) -> Iterator[Change]:
    """Columns of the profiles, each told by what it comes to and how it differs from the first run's."""
    told = [_columns(scenario) for scenario in scenarios]
    common = [name for name in told[0] if all(name in columns for columns in told)]
    for name in common:
        arrays = [columns[name] for columns in told]
        if any(not np.array_equal(array, arrays[0]) for array in arrays):
            hours = [scenario.public.horizon.period_h for scenario in scenarios]
            sums = [_sum(name, array, h) for array, h in zip(arrays, hours, strict=True)]
            others = (
                f"{_against(arrays[0], array)}{total}" for array, total in zip(arrays[1:], sums[1:], strict=True)
            )
            yield Change(name, (sums[0], *others))


def _columns(scenario: Scenario) -> Mapping[str, Array]:
    from market.scenario.overrides import columns_of

    return {name: np.asarray(values) for name, values in columns_of(scenario).items()}


def _sum(name: str, values: Array, period_h: float) -> str:
    """What a column comes to: energy of a power, the mean of a price or of an emission."""
    if name.endswith("_mw"):
        return f"{float(values.sum()) * period_h:.6g} MWh"
    unit = "t/MWh" if name == GRID_EMISSION else "CNY/MWh"
    return f"{float(values.mean()):.6g} {unit} on average"


def _against(first: Array, other: Array) -> str:
    """How a column differs from another: by one factor, by one amount, or in which periods."""
    if first.shape != other.shape:
        return f"{len(other)} periods, "
    differs = first != other
    if not differs.any():
        return ""
    if np.all((first == 0.0) == (other == 0.0)) and (shown := first != 0.0).any():
        factors = other[shown] / first[shown]
        if np.ptp(factors) <= _SAME_FACTOR * abs(factors[0]):
            return f"× {factors[0]:.6g}, "
    amounts = other - first
    if np.ptp(amounts) <= _SAME_FACTOR * max(abs(amounts[0]), 1.0):
        return f"{amounts[0]:+.6g} in every period, "
    periods = np.flatnonzero(differs) + 1
    if len(periods) <= _PERIODS_NAMED:
        return f"other in period{'s' if len(periods) > 1 else ''} {', '.join(map(str, periods))}, "
    return f"other in {len(periods)} of {len(first)} periods, "


def _circumstances(runs: Sequence[RecordedRun]) -> Iterator[Change]:
    """The seed, the way of running, and the software, where they differ."""
    told = [
        {
            "seed": run.manifest["seed"],
            "run": "in one process" if run.manifest["in_process"] else "over the bus",
            "versions": run.manifest["versions"],
        }
        for run in runs
    ]
    yield from _differences("", told)
