"""The schema of `scenario.yaml`: which sections there are, and what they have besides the model's parameters.

Parameters are defined on the model's dataclasses. The JSON Schema for editors is printed from here.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

from market.forecast.errors import ForecastErrors
from market.model.currency import DEFAULT_CURRENCY
from market.model.disclosure import Disclosure
from market.model.imbalance import ImbalanceRules
from market.model.parameter import Broken
from market.model.rolling import Rolling, rolling_rules, whole_steps
from market.model.rules import MARKET_RULES, CarbonRules, Coupling, Horizon, MarketRules, coupled_game
from market.model.strategy import StrategyChoice
from market.model.vpp import Vpp
from market.scenario.fields import (
    ID_PATTERN,
    ID_RULE,
    MAX_TEXT,
    RESERVED_IDS,
    FileField,
    OfParameter,
    Section,
    fields_of,
    inside,
    is_reserved,
    number_of_file,
    one_way,
    section,
    section_of,
    text,
)
from market.scenario.groups import GroupSection, known_members
from market.scenario.horizon import horizon_in, horizon_rules
from market.scenario.network_schema import NetworkSection
from market.scenario.plant_schema import (
    ControllableLoadSection,
    ExchangeSection,
    MicroTurbineSection,
    PvSection,
    StorageSection,
    WindSection,
)
from market.scenario.series.source import DefaultsSection, SourceSection
from market.scenario.unit_schema import AnyUnit, distinct_units, movable_shares

DEFAULT_PROFILES = "profiles.csv"
STRATEGY_PATTERN = r"^[A-Za-z_][A-Za-z0-9_.-]*(:[A-Za-z_][A-Za-z0-9_.]*)?$"


class QuotaSource(StrEnum):
    """What earns free quota, (1)."""

    GRID_BUY = "grid_buy"
    MT = "mt"
    WT = "wt"
    PV = "pv"


QUOTAS = {
    "grid_quota_t_per_mwh": (QuotaSource.GRID_BUY,),
    "mt_quota_t_per_mwh": (QuotaSource.MT,),
    "renewable_quota_t_per_mwh": (QuotaSource.WT, QuotaSource.PV),
}
"""The factor that each source earns by; it counts as 0 where no source of it is named."""


def _distinct_sources(carbon: Section) -> Iterator[Broken]:
    """The quota sources are distinct, and renewable ones come with their factor."""
    sources, found = carbon.quota_sources, ", ".join(carbon.quota_sources)
    if len(set(sources)) < len(sources):
        yield Broken("quota_sources", "each source only once", found, "remove the repeated one")
    if (QuotaSource.WT in sources) != (QuotaSource.PV in sources):
        yield Broken("quota_sources", "wt and pv must come together", found, "name both or neither")
    elif QuotaSource.WT in sources and carbon.renewable_quota_t_per_mwh is None:
        remedy = "give σ_re in t CO2/MWh, or take wt and pv out of quota_sources"
        rule = "must be given when quota_sources names wt and pv"
        yield Broken("renewable_quota_t_per_mwh", rule, "nothing", remedy)


_SATISFACTION = fields_of(Vpp)["satisfaction"]
_CARBON = fields_of(CarbonRules)

_HORIZON = fields_of(Horizon)
HorizonSection = section_of(
    "HorizonSection",
    Horizon.__doc__,
    {
        **_HORIZON,
        "start": (
            str | None,
            Field(
                None,
                description="When the first period begins: a day or a day and a time, ISO 8601; left out: "
                "periods are numbers alone",
            ),
        ),
        "days": (
            int | None,
            Field(
                None,
                description="Number of days from start on, in place of periods [days]",
                ge=1,
                le=366,
                json_schema_extra={"unit": "days"},
            ),
        ),
        "step_h": number_of_file(
            _HORIZON["period_h"].parameter.said("Length of a period, in place of period_h", symbol="")
        ),
        "tz": (
            str,
            Field(
                "",
                description="Time zone by whose clocks days go, such as Europe/Berlin or +01:00; left out: UTC",
                max_length=64,
            ),
        ),
    },
    horizon_rules,
    one_way("step_h", "period_h"),
    one_way("days", "periods"),
)
RollingSection = section_of("RollingSection", Rolling.__doc__, fields_of(Rolling), rolling_rules)
MarketSection = section_of(
    "MarketSection",
    MarketRules.__doc__,
    {**fields_of(MarketRules), "satisfaction": _SATISFACTION},
    *MARKET_RULES,
)
CarbonSection = section_of(
    "CarbonSection",
    CarbonRules.__doc__,
    {
        **_CARBON,
        "renewable_quota_t_per_mwh": _CARBON["renewable_quota_t_per_mwh"].optional(),
        "quota_sources": (
            list[Annotated[QuotaSource, Strict(False)]],
            Field(
                [QuotaSource.GRID_BUY, QuotaSource.MT],
                description="What earns free quota, (1); wt and pv only together, and with "
                "renewable_quota_t_per_mwh",
            ),
        ),
    },
    _distinct_sources,
)
_CHOICE = fields_of(StrategyChoice)


ImbalanceSection = section_of("ImbalanceSection", ImbalanceRules.__doc__, fields_of(ImbalanceRules))
ForecastSection = section_of("ForecastSection", ForecastErrors.__doc__, fields_of(ForecastErrors))


def _plain_options(value: Any) -> Any:
    """What a strategy is made with: plain values by names that a call can have."""
    if not isinstance(value, dict):
        return value
    broken = [
        Broken(
            "", "must be a word, a number, true or false, by a name", f"{name!r}: {given!r}"[:60], "write it so"
        )
        for name, given in value.items()
        if not (isinstance(name, str) and name.isidentifier() and isinstance(given, bool | int | float | str))
    ]
    if broken:
        raise PydanticCustomError("rules", "rules are broken", {"broken": broken})
    return value


StrategySection = section_of(
    "StrategySection",
    StrategyChoice.__doc__,
    {
        "use": (
            Annotated[str, OfParameter(_CHOICE["use"].parameter)],
            Field(description=_CHOICE["use"].parameter.description, pattern=STRATEGY_PATTERN, max_length=MAX_TEXT),
        ),
        "seed": _CHOICE["seed"],
        "options": (
            Annotated[dict[str, Any], BeforeValidator(_plain_options)],
            Field({}, description="What it is made with, by name: words, numbers, true or false"),
        ),
    },
)


def _in_short(value: Any) -> Any:
    """A strategy may be given by its name alone."""
    return {"use": value} if isinstance(value, str) else value


def _taken(entry: Section) -> Iterator[Broken]:
    """The id is not one that the market itself uses."""
    if is_reserved(entry.id):
        rule = f"must not be one of the names the market itself uses ({', '.join(RESERVED_IDS)})"
        yield Broken("id", rule, repr(entry.id), "choose another id")


def _asset(schema: type[Section], meaning: str) -> tuple[Any, Any]:
    return (schema | None, Field(None, description=meaning))


_OWN = FileField(float, _SATISFACTION.parameter.said("Its own; in place of market.satisfaction")).optional()
VppSection = section_of(
    "VppSection",
    "One virtual power plant. Its load is the profile column `<id>_load_mw`, which may be left out where it has "
    "units of kind load; leave out what it has not.",
    {
        "id": (
            str,
            Field(
                description=f"Name: {ID_RULE}, since it names "
                "columns, files and keys; not `broker` or `system`. Any letters may stand in `label`",
                pattern=ID_PATTERN,
            ),
        ),
        "label": (str, text("What it is, for readers: one printable line, at most 200 characters")),
        **fields_of(Vpp),
        "satisfaction": _OWN,
        "wt": _asset(WindSection, "Wind plant; `wt: {}` takes the default cost"),
        "pv": _asset(PvSection, "PV plant; `pv: {}` takes the default cost"),
        "mt": _asset(MicroTurbineSection, "Micro-turbine"),
        "ess": _asset(StorageSection, "Energy storage"),
        "cl": _asset(ControllableLoadSection, "Controllable load"),
        "strategy": (
            Annotated[StrategySection | None, BeforeValidator(_in_short)],
            Field(
                None,
                description="How it behaves in the market where it does not follow the market's rules: "
                "`package.module:Class`, or that as `use` with `seed` and `options`",
            ),
        ),
        "exchange": (
            ExchangeSection,
            section(ExchangeSection, "Limits of exchange with the grid and with other VPPs"),
        ),
        "tariff": (
            str | None,
            Field(
                None,
                description="Name of a tariff of its own, in place of everybody's: the profile columns "
                "`<name>_retail_cny_per_mwh` and `<name>_feed_in_cny_per_mwh`; several VPPs may have the same",
                pattern=ID_PATTERN,
            ),
        ),
        "units": (
            list[AnyUnit],
            Field([], description="Units beside those above, any number of each kind"),
        ),
    },
    _taken,
    distinct_units,
    movable_shares,
)
RosterSection = section_of(
    "RosterSection",
    "One VPP of a market, whose plant need not be known here.",
    {
        "id": (str, Field(description="Id of the VPP", pattern=ID_PATTERN)),
        "plant_digest": (
            str | None,
            Field(
                None,
                description="Fingerprint of its plant, 64 digits of 0-9 and a-f, as `split` writes it; "
                "left out: unknown",
                pattern=r"^[0-9a-f]{64}$",
            ),
        ),
    },
    _taken,
)


def roster_entry(value: object) -> object:
    """An item of the roster with its short form, an id, written out."""
    return {"id": value} if isinstance(value, str) else value


def _distinct(names: list[str]) -> list[str]:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if not repeated:
        return names
    broken = Broken("", "must name each file only once", ", ".join(repeated), "remove the repeated name")
    raise PydanticCustomError("rules", "rules are broken", {"broken": [broken]})


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


_ROSTER_ENTRY: Any = Annotated[
    RosterSection,
    BeforeValidator(
        roster_entry, json_schema_input_type=Annotated[str, Field(pattern=ID_PATTERN)] | RosterSection
    ),
]
_ONE_SERIES = SourceSection | str
_SERIES: Any = Annotated[
    dict[str, Any],
    BeforeValidator(
        lambda value: value if isinstance(value, dict) else {},  # `series` tells of what is wrong there
        json_schema_input_type=dict[str, _ONE_SERIES | list[_ONE_SERIES]],  # type: ignore[valid-type]
    ),
]
_FILE = {
    "name": (str, text("What the scenario is called: one printable line; left out: as its folder is")),
    "title": (str, text("What this market is, for readers: one printable line, at most 200 characters")),
    "profiles": (
        Annotated[
            list[Annotated[str, AfterValidator(inside)]], BeforeValidator(_as_list), AfterValidator(_distinct)
        ],
        Field(
            [DEFAULT_PROFILES],
            description="CSV file or files with the columns `period`, `retail_cny_per_mwh`, "
            "`feed_in_cny_per_mwh`, `<id>_load_mw`, and `<id>_wt_mw`, `<id>_pv_mw` for the plants there are, "
            "`<id>_<unit>_mw` for units of kind wt, pv, load, hydro and must_run; `grid_emission_t_per_mwh` may "
            "be there, and so may `…_realised_mw` of each power, and `imbalance_short_cny_per_mwh` and "
            "`imbalance_long_cny_per_mwh`",
            min_length=1,
            json_schema_extra={"type": ["string", "array"]},
        ),
    ),
    "currency": (
        str,
        Field(
            DEFAULT_CURRENCY,
            description="Currency of all money, by its code of three letters; where it is not CNY, what is money "
            "and takes effect has no default",
            pattern=r"^[A-Z]{3}$",
        ),
    ),
    "horizon": (HorizonSection, section(HorizonSection, "The day")),
    "rolling": (
        RollingSection | None,
        Field(None, description="How a horizon of many days is run day by day; left out: all of it is one plan"),
    ),
    "series_defaults": (
        DefaultsSection | None,
        Field(None, description="What holds for all series that do not say otherwise"),
    ),
    "series": (
        _SERIES,
        Field(
            {},
            description="Profile columns that come from other files or are the same throughout, by name without "
            "the unit: `retail`, `feed_in`, `<id>_load`, `<id>_wt`, `<id>_pv`; other names are for use in "
            "`series:` of others",
        ),
    ),
    "sources": (
        dict[str, str],
        Field({}, description="For readers: where the columns of the profiles came from"),
    ),
    "market": (MarketSection, section(MarketSection, "Rules of the VPP-to-VPP market")),
    "carbon": (CarbonSection, section(CarbonSection, "Rules of carbon trading")),
    "imbalance": (
        ImbalanceSection | None,
        Field(
            None,
            description="How deviations from the schedule are settled once the day has become real; left out: by "
            "the defaults where any `<id>_…_realised_mw` is given, else nothing is told of reality",
        ),
    ),
    "forecast": (
        ForecastSection | None,
        Field(None, description="How forecast and reality differ where only one of them is given"),
    ),
    "network": (NetworkSection, section(NetworkSection, "Communication conditions")),
    "coupling": (
        Annotated[Coupling, Strict(False)] | None,
        Field(None, description="An older place of market.coupling"),
    ),
    "audit": (
        Annotated[Disclosure, Strict(False)] | None,
        Field(
            None,
            description="What VPPs show of their day in the end: `full`, `totals` or `none`; "
            "left out: what the command that runs the market takes",
        ),
    ),
    "groups": (
        list[GroupSection],  # type: ignore[valid-type]
        Field([], description="Plants behind one transformer, each with its share of what may pass it, (M21)"),
    ),
    "roster": (
        list[_ROSTER_ENTRY] | None,
        Field(
            None,
            description="Every VPP of the market, as id or as {id, plant_digest}, where `vpps` has only "
            "some of them",
            min_length=1,
        ),
    ),
}
_VPPS: Any = list[VppSection]  # type: ignore[valid-type]


def _coupling_said_once(file: Section) -> Iterator[Broken]:
    """The older place of the coupling says nothing else than the market's rules allow."""
    if file.coupling is None:
        return
    said = file.market.coupling
    if "coupling" in file.market.model_fields_set and said is not file.coupling:
        rule = f"must not be other than market.coupling, {said.value}"
        yield Broken("coupling", rule, file.coupling.value, "keep market.coupling alone")
    else:
        yield from coupled_game(file.market.model_copy(update={"coupling": file.coupling}))


def _plans_of_whole_periods(file: Section) -> Iterator[Broken]:
    """What is planned and kept at a time fits the periods of the horizon."""
    if file.rolling is None:
        return
    step_h = file.horizon.period_h if file.horizon.step_h is None else file.horizon.step_h
    for broken in whole_steps(file.rolling, step_h):
        yield broken._replace(field=f"rolling.{broken.field}")


def _settled_within(file: Section) -> Iterator[Broken]:
    """How much becomes real is said of one plan, and is at most all of it; days in a row say it themselves."""
    settled = None if file.imbalance is None else file.imbalance.settled_periods
    if settled is None:
        return
    field, periods = "imbalance.settled_periods", horizon_in(file.horizon).periods
    if file.rolling is not None:
        remedy = "leave it out: of each plan as many periods become real as are kept, rolling.commit_h"
        yield Broken(field, "must not be given with rolling", f"{settled}", remedy)
    elif settled > periods:
        remedy = "give no more, or leave it out: then all become real"
        yield Broken(field, f"must be at most the {periods} periods of the horizon", f"{settled}", remedy)


ScenarioFile = section_of(
    "ScenarioFile",
    "A market to run: the rules, the virtual power plants, the network between them.",
    {**_FILE, "vpps": (_VPPS, Field(description="The virtual power plants, at least one", min_length=1))},
    _coupling_said_once,
    _plans_of_whole_periods,
    _settled_within,
    known_members,
)
PartialFile = section_of(
    "PartialFile",
    "A part of a market: with the roster of all, and the plants of some or of none.",
    {**_FILE, "vpps": (_VPPS, Field([], description="The virtual power plants that are known here"))},
    _coupling_said_once,
    _plans_of_whole_periods,
    _settled_within,
    known_members,
)


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema of `scenario.yaml`, for editors; every field has a description, every number its `unit`.

    It holds the limits of single fields; rules between fields and the profiles are checked on loading.
    """
    from market.scenario.spoken_schema import with_spoken_forms  # late: it reads the sections of this module

    schema = ScenarioFile.model_json_schema()
    with_spoken_forms(schema, ScenarioFile)
    required = schema.pop("required")
    least = schema["properties"]["vpps"].pop("minItems")
    partial = {"required": ["roster"], "properties": {"roster": {"type": "array"}}}
    whole = {"required": required, "properties": {"vpps": {"minItems": least}}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "if": partial,
        "else": whole,
    }
