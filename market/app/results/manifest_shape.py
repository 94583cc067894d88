"""The shape of a manifest for those who read it: every field, what it may hold, and who reads which kind.

The kinds are those that `manifest` and `node_day` write: of a run that came to its end, of one that broke, and of
one node's day. Whoever needs a manifest reads it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from math import inf
from pathlib import Path
from types import NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

from market.app.results.columns import DAY_CERTIFICATE, IMBALANCE, LINK_COUNTS, STRATEGIES
from market.app.results.day_certificate import DAY_CERTIFICATE_SHAPE
from market.app.results.document import NoJson, check_shape, read_document, refused
from market.app.results.imbalance import IMBALANCE_SHAPE
from market.app.results.kept import KEPT, KEPT_SHAPE
from market.app.results.kept_scenario import SCENARIO_FOLDER
from market.app.results.manifest import EMISSION_IS_SERIES, FORMAT, MANIFEST
from market.app.results.shapes import (
    Shape,
    by_name,
    fields,
    flag,
    many,
    maybe,
    number,
    one_of,
    one_of_words,
    text,
    whole,
    within,
)
from market.app.results.telling import Telling
from market.app.results.written_files import FILES
from market.day_certificate.day_certificate import DayVerdict
from market.game.result import Verdict
from market.model.calendar import is_sound
from market.model.currency import DEFAULT_CURRENCY, is_currency
from market.model.disclosure import Disclosure
from market.model.imbalance import ImbalanceRules
from market.model.network import (
    LinkConditions,
    LinkOverride,
    NetworkRules,
    NodeCompute,
    Outage,
    Partition,
    Retransmission,
    TimeMode,
)
from market.model.parameter import Defined, parameters_of
from market.model.rules import CarbonRules, Horizon, MarketRules
from market.scenario.fields import ID_PATTERN, is_series
from market.scenario.network_schema import LATENCIES, LatencyKind

REMEDY: Final = "the folder was altered or damaged: take it from where it is whole, or run the scenario again"
NAME_A_RUN: Final = "name the folder of a run"

_MANY = 1e12
VPP: Final = text(ID_PATTERN, "must be the id of a VPP")
_DIGEST = text(r"[0-9a-f]{64}", "must be 64 hexadecimal digits")
_WORDS = by_name(text())
_COUNTS = by_name(whole())
_SECONDS = number(0, _MANY)
_PARTY = text(r"\S.{0,63}", "must be a name")


def _parameters(kind: type) -> dict[str, Shape]:
    """The shapes of a dataclass's parameters, by their names in a file."""
    types = get_type_hints(kind)
    return {
        defined.in_file: _parameter(types[defined.name], defined)
        for defined in parameters_of(kind)
        if not is_series(types[defined.name])
    }


def _parameter(of: Any, defined: Defined) -> Shape:
    """The shape of a parameter of a type; where null is no limit, or says nothing, it may be null."""
    kinds = get_args(of) or (of,)
    if kinds[0] is bool:
        shape = flag()
    elif issubclass(kinds[0], StrEnum):
        shape = one_of(kinds[0])
    else:
        shape = within(defined.parameter, kinds[0])
    if tuple in (of, get_origin(of)):
        return many(shape)
    return maybe(shape) if NoneType in kinds or defined.default == inf else shape


def _rules(kind: type) -> Shape:
    """The shape of a dataclass of rules."""
    return fields(_parameters(kind))


def _told_rules(kind: type, others: Mapping[str, Shape] | None = None) -> Shape:
    """The same where what came later is told only if it says anything. others : what may be there besides"""
    shapes = _parameters(kind)
    later = {defined.in_file for defined in parameters_of(kind) if defined.parameter.later}
    first = {name: shape for name, shape in shapes.items() if name not in later}
    return fields(first, {name: shapes[name] for name in shapes if name in later} | dict(others or {}))


_CALENDAR: Final = {
    "start": text(r"\d{4}-\d\d-\d\dT\d\d:\d\d\S{0,30}", "must be a time of ISO 8601"),
    "tz": text(r"[\w/+:-]{0,64}", "must be a time zone"),
}
_SURROUNDINGS: Final[Mapping[str, Shape]] = {
    "rules": fields(
        {
            "horizon": _told_rules(Horizon, _CALENDAR),
            "market": _rules(MarketRules),
            "carbon": _told_rules(CarbonRules, {EMISSION_IS_SERIES: flag()}),
        },
        {IMBALANCE: _told_rules(ImbalanceRules)},
    ),
    "versions": _WORDS,
    "platform": text(),
}


_LATENCIES: Final = {kind.value: _parameters(form) for kind, form in LATENCIES.items()}


def _latency(value: Any, place: str) -> Any:
    """A kind, and the parameters of that kind."""
    kind = value.get("kind") if type(value) is dict else None
    own = _LATENCIES.get(kind, {}) if type(kind) is str else {}
    return fields({"kind": one_of(LatencyKind), **own})(value, place)


_LINKS: Final[Mapping[str, Shape]] = dict.fromkeys(("from", "to", "vpp"), maybe(VPP))
_CONDITIONS = fields(
    {
        **_parameters(LinkConditions),
        "links": many(fields({**_LINKS, **_parameters(LinkOverride)}, {"latency": _latency})),
        "outages": many(fields({**_LINKS, **_parameters(Outage)})),
        "partitions": many(fields({"groups": many(many(VPP)), **_parameters(Partition)})),
        "compute": by_name(_parameters(NodeCompute)["compute_s"], VPP),
        **_parameters(Retransmission),
        **_parameters(NetworkRules),
        "latency": _latency,
    }
)

_HEADING: Final[Mapping[str, Shape]] = {
    "format": whole(FORMAT, FORMAT),
    "scenario": text(),
    "title": text(),
    "scenario_digest": _DIGEST,
    "public_digest": _DIGEST,
    "vpps": many(VPP, distinct=True, least=1),
    "seed": whole(-(2**63), 2**64 - 1),
    "in_process": flag(),
    "conditions": maybe(_CONDITIONS),
    "started": text(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d(:\d\d)?)?", "must be a time of ISO 8601"),
    "wall_s": number(0),
}

_CURRENCY: Final[Mapping[str, Shape]] = {"currency": text(r"[A-Z]{3}", "must be the code of a currency")}
_NETWORK = fields(
    {
        "time_to_equilibrium_s": maybe(_SECONDS),
        "published": whole(),
        **dict.fromkeys(LINK_COUNTS, whole()),
        "largest_in_flight": whole(),
        "largest_queue": whole(),
        **dict.fromkeys(("delay_min_s", "delay_mean_s", "delay_max_s"), maybe(_SECONDS)),
        **dict.fromkeys(("mean_staleness_s", "largest_staleness_s"), maybe(_SECONDS)),
    }
)

_ROUNDS = fields(
    {
        "rounds": whole(1),
        "settled_round": whole(),
        "agreed": flag(),
        "regrets_cny": number(0),
        "regret_cny": by_name(number(0), VPP),
    }
)

_SHOWN = fields({"grid_only": one_of(Disclosure), "game": one_of(Disclosure)})

COMPLETE: Final = fields(
    {
        **_HEADING,
        "verdict": one_of_words(*(verdict.value for verdict in Verdict if verdict is not Verdict.ABORTED)),
        "epsilon_cny": number(0),
        "epsilon_relative": number(0),
        "rounds": whole(),
        "periods": by_name(whole(), one_of(Verdict)),
        "broken_laws": many(text()),
        "laws_not_claimed": many(text()),
        "laws_not_checked": many(fields({"law": text(), "vpps": many(VPP)})),
        "audit": fields({"asked": one_of(Disclosure), "shown": by_name(_SHOWN, VPP)}),
        "day": maybe(_ROUNDS),
        "possible_saving_cny": maybe(number()),
        "network": maybe(_NETWORK),
        "time_mode": one_of(TimeMode, "none"),
        "rest_time_s": maybe(_SECONDS),
        "counters": _COUNTS,
        "refused": _COUNTS,
        "refused_by_nodes": by_name(_COUNTS, VPP),
        "process_ids": by_name(whole(), _PARTY),
        "endpoints": _WORDS,
        "tape": maybe(text(r"[^/\x00]+", "must be the name of a file")),
        "tape_sha256": maybe(_DIGEST),
        "withdrawn": many(VPP),
        "undisclosed_plants": many(VPP),
        "durations_s": by_name(number(0)),
        "peak_memory_mb": by_name(number(0), _PARTY),
        **_SURROUNDINGS,
    },
    {
        "day_verdict": one_of(DayVerdict),
        DAY_CERTIFICATE: DAY_CERTIFICATE_SHAPE,
        STRATEGIES: by_name(text(), VPP),
        IMBALANCE: IMBALANCE_SHAPE,
        **_CURRENCY,
        KEPT: KEPT_SHAPE,
        FILES: by_name(_DIGEST, text(rf"({SCENARIO_FOLDER}/)?[^/\x00]+", "must be the name of a file")),
    },
)

DAYS_KIND: Final = "days"
"""The word by which the manifest of a run of many days tells itself apart."""
ABORTED: Final = fields(
    {**_HEADING, "verdict": one_of_words(Verdict.ABORTED.value), "error": text(), **_SURROUNDINGS}, _CURRENCY
)


def is_aborted(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest tells of a run that broke."""
    return bool(manifest["verdict"] == Verdict.ABORTED.value)


def read_manifest(folder: Path, remedy: str = REMEDY) -> Mapping[str, Any] | None:
    """The manifest of a run that came to its end or broke; None where the folder has none.

    ScenarioError, naming the field, if it is not what such a run leaves; NoJson if it is no JSON at all
    """
    path = folder / MANIFEST
    try:
        document = read_document(path, remedy)
    except FileNotFoundError:
        return None
    if type(document) is not dict:
        raise refused(path, "it must be an object of JSON", "JSON of something else", remedy)
    if document.get("kind") == "node":
        raise refused(path, "it must be the manifest of a run", "that of one node's day", NAME_A_RUN)
    broke = document.get("verdict") == Verdict.ABORTED.value
    document = in_code(document, document, path, remedy)
    check_shape(document, ABORTED if broke else COMPLETE, path, remedy)
    if not is_sound(Horizon(**document["rules"]["horizon"])):
        raise refused(f"{path}: rules.horizon", "must begin at a time that there is", "another", remedy)
    manifest: Mapping[str, Any] = document
    return manifest


def in_code(document: Any, manifest: Mapping[str, Any], path: Path, remedy: str) -> Any:
    """A document of a run with its names of money as code knows them. ScenarioError where they are others.

    manifest : that of the run, or what may be one
    """
    currency, vpps = manifest.get("currency", DEFAULT_CURRENCY), manifest.get("vpps")
    if type(currency) is not str or not is_currency(currency):
        raise refused(f"{path}: currency", "must be the code of a currency", repr(currency)[:60], remedy)
    names = tuple(vpp for vpp in vpps if type(vpp) is str) if type(vpps) is list else ()
    try:
        return Telling(currency, names=names).plain_document(document)
    except ValueError as error:
        raise refused(path, str(error), "other names", remedy) from None


def manifest_unless_torn(folder: Path) -> Mapping[str, Any] | None:
    """The same; None also where it is no JSON: a run whose folder was not wholly written has none yet."""
    try:
        return read_manifest(folder)
    except NoJson:
        return None
