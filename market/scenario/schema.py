"""Owns the fields of `scenario.yaml`: names, units, meaning, limits, defaults, and the rules inside a section.

Knows nothing of files, profiles or how the model uses a value. The JSON Schema for editors is printed from here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

from market.disclosure import Disclosure
from market.rules import CarbonMode, PriceRule
from market.scenario.fields import (
    ID_PATTERN,
    RESERVED_IDS,
    Broken,
    Section,
    inside,
    is_reserved,
    quantity,
    section,
    share,
    text,
)
from market.scenario.model import Coupling
from market.scenario.network_schema import NetworkSection

DEFAULT_PERIODS = 24
DEFAULT_PROFILES = "profiles.csv"
MAX_PERIODS = 35_136  # a leap year of quarter hours
MAX_POWER_MW = 1e6
MAX_PRICE_CNY_PER_MWH = 1e6


class QuotaSource(StrEnum):
    """What earns free quota, (1)."""

    GRID_BUY = "grid_buy"
    MT = "mt"
    WT = "wt"
    PV = "pv"


def _power(meaning: str, default: Any = ...) -> Any:
    return quantity("MW", meaning, default, ge=0, le=MAX_POWER_MW)


def _cost(meaning: str, default: Any = ..., unit: str = "CNY/MWh") -> Any:
    return quantity(unit, meaning, default, ge=0, le=MAX_PRICE_CNY_PER_MWH)


def _factor(meaning: str, default: Any = ...) -> Any:
    return quantity("t CO2/MWh", meaning, default, ge=0, le=100)


class HorizonSection(Section):
    """The day: how many periods, how long each."""

    periods: int = quantity("periods", "Number of periods, T", DEFAULT_PERIODS, ge=1, le=MAX_PERIODS)
    period_h: float = quantity("h", "Length of a period, Δt", 1.0, ge=0.001, le=168)


MOST_TICKS = 1_000_000


class MarketSection(Section):
    """Rules of the VPP-to-VPP market, the same for all."""

    price_min_cny_per_mwh: float = quantity(
        "CNY/MWh",
        "Lowest price of an offer; the feed-in price of a period, if higher, counts instead",
        300.0,
        gt=0,
        le=MAX_PRICE_CNY_PER_MWH,
    )
    price_max_cny_per_mwh: float = quantity(
        "CNY/MWh",
        "Highest price of an offer; the retail price of a period, if lower, counts instead",
        1200.0,
        gt=0,
        le=MAX_PRICE_CNY_PER_MWH,
    )
    choice_temperature_cny_per_mwh: float = quantity(
        "CNY/MWh",
        "How widely buyers spread over sellers, τ; 0: the cheapest with something left, prices move on a tick",
        50.0,
        ge=0,
        le=MAX_PRICE_CNY_PER_MWH,
    )
    satisfaction: float = quantity(
        "share",
        "Share κ of its marginal value up to which a buyer lets peers serve its whole deficit",
        0.85,
        gt=0,
        le=10,
    )
    base_power_mw: float = quantity(
        "MW", "Base power S0 inside the logarithms of the utilities", 0.001, gt=0, le=MAX_POWER_MW
    )
    role_tolerance: float = quantity(
        "share", "A VPP is idle while supply / demand is within 1 ± this", 1e-6, ge=0, lt=1
    )
    price_rule: Annotated[PriceRule, Strict(False)] = Field(
        PriceRule.BEST_RESPONSE, description="How a seller moves its price, (26)"
    )
    revision_step: float = quantity(
        "share", "By how much one replicator step (25) contracts, δ₁τ", 0.5, ge=0.001, lt=1
    )
    gradient_step_cny_per_mwh_per_mw: float = quantity(
        "CNY/MWh per MW", "Step δ₂ of price rule `gradient`", 10.0, gt=0, le=1e6
    )
    tatonnement_step_cny_per_mwh: float = quantity(
        "CNY/MWh", "Step δ₂ of price rule `tatonnement`", 20.0, gt=0, le=MAX_PRICE_CNY_PER_MWH
    )
    price_tick_cny_per_mwh: float = quantity(
        "CNY/MWh", "Grid of prices, used only where τ is 0", 1.0, gt=0, le=MAX_PRICE_CNY_PER_MWH
    )
    offer_budget: int = quantity(
        "offers",
        "How often a seller may change its price in a period before that ends as budget_spent",
        5000,
        ge=1,
        le=10_000_000,
    )

    def broken(self) -> list[Broken]:
        """The band is not upside down, and not too wide for its tick."""
        low, high = self.price_min_cny_per_mwh, self.price_max_cny_per_mwh
        tick = self.price_tick_cny_per_mwh
        if self.choice_temperature_cny_per_mwh == 0 and (high - low) / tick > MOST_TICKS:
            rule = f"the band must not hold more than {MOST_TICKS:,} ticks"
            return [Broken("price_tick_cny_per_mwh", rule, repr(tick), "take a larger tick or a narrower band")]
        if low <= high:
            return []
        rule = "price_min_cny_per_mwh must not be above price_max_cny_per_mwh"
        return [
            Broken("price_min_cny_per_mwh", rule, f"{low!r} above {high!r}", "exchange the two or widen the band")
        ]


class CarbonSection(Section):
    """Carbon trading, (1) to (3), the same rules for all."""

    mode: Annotated[CarbonMode, Strict(False)] = Field(
        CarbonMode.STEPPED,
        description="How carbon enters a VPP's objective: stepped, flat, or none (billed afterwards by steps)",
    )
    base_price_cny_per_t: float = _cost("Price of the first step, μ", 280.0, "CNY/t")
    flat_price_cny_per_t: float | None = _cost("Price in mode flat; left out: the base price", None, "CNY/t")
    interval_t: float = quantity("t CO2", "Width of a step, l", 2.0, gt=0, le=1e9)
    growth: float = quantity("share", "Growth of the price from step to step, α", 0.25, ge=0, le=100)
    steps: int = quantity("steps", "Number of steps, N; the last has no end", 5, ge=1, le=1000)
    grid_emission_t_per_mwh: float = _factor("Emission of energy bought from the grid, δ_g", 0.98)
    grid_quota_t_per_mwh: float = _factor(
        "Free quota of energy bought from the grid, σ_g; keep it below δ_g", 0.728
    )
    mt_quota_t_per_mwh: float = _factor("Free quota of micro-turbine energy, σ_MT", 0.42)
    renewable_quota_t_per_mwh: float | None = _factor(
        "Free quota of WT and PV energy, σ_re, where they count", None
    )
    quota_sources: list[Annotated[QuotaSource, Strict(False)]] = Field(
        [QuotaSource.GRID_BUY, QuotaSource.MT],
        description="What earns free quota, (1); wt and pv only together, and with renewable_quota_t_per_mwh",
    )
    credits_follow_energy: bool = Field(
        False, description="Whether energy traded between VPPs takes quota along to the buyer"
    )
    direct_quota_t_per_mwh: float | None = _factor(
        "Quota that traded energy takes along, σ_dir; left out: grid_quota_t_per_mwh", None
    )

    def broken(self) -> list[Broken]:
        """The quota sources are distinct, and renewable ones come with their factor."""
        sources, found = self.quota_sources, ", ".join(self.quota_sources)
        broken = []
        if len(set(sources)) < len(sources):
            broken.append(Broken("quota_sources", "each source only once", found, "remove the repeated one"))
        if (QuotaSource.WT in sources) != (QuotaSource.PV in sources):
            broken.append(Broken("quota_sources", "wt and pv must come together", found, "name both or neither"))
        elif QuotaSource.WT in sources and self.renewable_quota_t_per_mwh is None:
            remedy = "give σ_re in t CO2/MWh, or take wt and pv out of quota_sources"
            rule = "must be given when quota_sources names wt and pv"
            broken.append(Broken("renewable_quota_t_per_mwh", rule, "nothing", remedy))
        return broken


class WindSection(Section):
    """A wind plant; its forecast is the profile column `<id>_wt_mw`."""

    om_cost_cny_per_mwh: float = _cost("Operation and maintenance", 15.0)


class PvSection(Section):
    """A PV plant; its forecast is the profile column `<id>_pv_mw`."""

    om_cost_cny_per_mwh: float = _cost("Operation and maintenance", 12.0)


class MicroTurbineSection(Section):
    """A micro-turbine: a P² + b P + c_on per hour, (12), (13)."""

    p_min_mw: float = _power("Lowest output while it runs", 0.0)
    p_max_mw: float = _power("Highest output")
    ramp_mw_per_h: float | None = quantity(
        "MW/h", "Ramp limit up and down; left out: its whole range in a period", None, ge=0, le=MAX_POWER_MW
    )
    ramp_up_mw_per_h: float | None = quantity(
        "MW/h", "Ramp limit up, in place of ramp_mw_per_h", None, ge=0, le=MAX_POWER_MW
    )
    ramp_down_mw_per_h: float | None = quantity(
        "MW/h", "Ramp limit down, in place of ramp_mw_per_h", None, ge=0, le=MAX_POWER_MW
    )
    cost_a_cny_per_mw2h: float = _cost("Quadratic cost a", 0.0, "CNY/(MW² h)")
    cost_b_cny_per_mwh: float = _cost("Linear cost b")
    cost_on_cny_per_h: float = _cost("Cost of an hour of running, whatever the output, c_on", 0.0, "CNY/h")
    commitment: bool = Field(False, description="Whether the unit may be switched off; if not, it always runs")
    cost_pieces: int = quantity("pieces", "Equal pieces that stand for the quadratic cost", 8, ge=4, le=1000)
    emission_t_per_mwh: float = _factor("Emission, δ_MT", 0.6)

    def broken(self) -> list[Broken]:
        """The output limits are not upside down; one way of giving the ramps."""
        broken = []
        if self.p_min_mw > self.p_max_mw:
            value = f"{self.p_min_mw!r} above {self.p_max_mw!r}"
            broken.append(Broken("p_min_mw", "p_min_mw must not be above p_max_mw", value, "exchange the two"))
        return broken + self._one_way("ramp_mw_per_h", "ramp_up_mw_per_h", "ramp_down_mw_per_h")


class StorageSection(Section):
    """Energy storage, (8) to (10); the day ends as it began."""

    energy_mwh: float = quantity("MWh", "Capacity, which the SOC shares refer to", ge=0, le=MAX_POWER_MW)
    charge_max_mw: float = _power("Highest charging power")
    discharge_max_mw: float = _power("Highest discharging power")
    charge_efficiency: float = quantity("share", "Share of the energy taken that is stored", 0.95, gt=0, le=1)
    discharge_efficiency: float = quantity("share", "Share of the energy released that arrives", 0.95, gt=0, le=1)
    soc_min: float = share("Lowest state of charge", 0.1)
    soc_max: float = share("Highest state of charge", 0.9)
    soc_initial: float = share("State of charge at the start, and again at the end", 0.5)
    wear_cny_per_mwh: float = _cost("Wear, on energy charged and on energy discharged", 30.0)

    def broken(self) -> list[Broken]:
        """The SOC limits are not upside down, and hold the initial value."""
        low, high, start = self.soc_min, self.soc_max, self.soc_initial
        if low > high:
            value = f"{low!r} above {high!r}"
            return [Broken("soc_min", "soc_min must not be above soc_max", value, "exchange the two")]
        if low <= start <= high:
            return []
        rule = "soc_initial must be within soc_min and soc_max"
        value = f"{start!r} outside {low!r} to {high!r}"
        return [Broken("soc_initial", rule, value, "start inside the limits or widen them")]


class ControllableLoadSection(Section):
    """Load that may be shed against compensation."""

    share_of_load: float = share("Most that may be shed of each period's load", 0.1)
    compensation_cny_per_mwh: float = _cost("What users get for energy shed")
    daily_energy_max_mwh: float | None = quantity(
        "MWh", "Most energy shed in all periods; left out: no such limit", None, ge=0, le=1e9
    )
    credit_t_per_mwh: float = _factor("Carbon credits users get for energy shed; they leave the quota", 0.0)


class ExchangeSection(Section):
    """Limits of exchange, (11); a limit left out, or null, is no limit."""

    grid_buy_max_mw: float | None = _power("Most power bought from the grid", None)
    grid_sell_max_mw: float | None = _power("Most power sold to the grid", None)
    direct_max_mw: float | None = _power("Most power exchanged with other VPPs, either way", None)
    direct_in_max_mw: float | None = _power("Most power taken from other VPPs, in place of direct_max_mw", None)
    direct_out_max_mw: float | None = _power("Most power given to other VPPs, in place of direct_max_mw", None)

    def broken(self) -> list[Broken]:
        """One way of giving the limits of direct exchange."""
        return self._one_way("direct_max_mw", "direct_in_max_mw", "direct_out_max_mw")


class VppSection(Section):
    """One virtual power plant. Its load is the profile column `<id>_load_mw`; leave out what it has not."""

    id: str = Field(
        description="Name: a letter, then up to 31 letters, digits, _ or -; not `broker` or `system`",
        pattern=ID_PATTERN,
    )
    label: str = text("What it is, for readers: one line, at most 200 characters")
    satisfaction: float | None = quantity("share", "Its own κ in place of market.satisfaction", None, gt=0, le=10)
    wt: WindSection | None = Field(None, description="Wind plant; `wt: {}` takes the default cost")
    pv: PvSection | None = Field(None, description="PV plant; `pv: {}` takes the default cost")
    mt: MicroTurbineSection | None = Field(None, description="Micro-turbine")
    ess: StorageSection | None = Field(None, description="Energy storage")
    cl: ControllableLoadSection | None = Field(None, description="Controllable load")
    exchange: ExchangeSection = section(ExchangeSection, "Limits of exchange with the grid and with other VPPs")

    def broken(self) -> list[Broken]:
        """The id is free to take."""
        return _taken(self.id)


def _taken(vpp_id: str) -> list[Broken]:
    """The fault of an id that the market itself uses."""
    if not is_reserved(vpp_id):
        return []
    rule = f"must not be one of the names the market itself uses ({', '.join(RESERVED_IDS)})"
    return [Broken("id", rule, repr(vpp_id), "choose another id")]


class RosterSection(Section):
    """One VPP of a market, whose plant need not be known here."""

    id: str = Field(description="Id of the VPP", pattern=ID_PATTERN)
    plant_digest: str | None = Field(
        None,
        description="Fingerprint of its plant, 64 digits of 0-9 and a-f, as `split` writes it; left out: unknown",
        pattern=r"^[0-9a-f]{64}$",
    )

    def broken(self) -> list[Broken]:
        """The id is free to take."""
        return _taken(self.id)


def roster_entry(value: object) -> object:
    """An item of the roster with its short form, an id, written out."""
    return {"id": value} if isinstance(value, str) else value


_RosterId: TypeAlias = Annotated[str, Field(pattern=ID_PATTERN)]
RosterEntry: TypeAlias = Annotated[
    RosterSection, BeforeValidator(roster_entry, json_schema_input_type=_RosterId | RosterSection)
]


def _distinct(names: list[str]) -> list[str]:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if not repeated:
        return names
    broken = Broken("", "must name each file only once", ", ".join(repeated), "remove the repeated name")
    raise PydanticCustomError("rules", "rules are broken", {"broken": [broken]})


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class ScenarioFile(Section):
    """A market to run: the rules, the virtual power plants, the network between them."""

    name: str = text("What the scenario is called: one line; left out: as its folder is")
    title: str = text("What this market is, for readers: one line, at most 200 characters")
    profiles: Annotated[
        list[Annotated[str, AfterValidator(inside)]], BeforeValidator(_as_list), AfterValidator(_distinct)
    ] = Field(
        [DEFAULT_PROFILES],
        description="CSV file or files with the columns `period`, `retail_cny_per_mwh`, `feed_in_cny_per_mwh`, "
        "`<id>_load_mw`, and `<id>_wt_mw`, `<id>_pv_mw` for the plants there are",
        min_length=1,
        json_schema_extra={"type": ["string", "array"]},
    )
    horizon: HorizonSection = section(HorizonSection, "The day")
    market: MarketSection = section(MarketSection, "Rules of the VPP-to-VPP market")
    carbon: CarbonSection = section(CarbonSection, "Rules of carbon trading")
    network: NetworkSection = section(NetworkSection, "Communication conditions")
    coupling: Annotated[Coupling, Strict(False)] = Field(
        Coupling.ONCE, description="How dispatch and game are coupled: `once`, dispatch, game, dispatch"
    )
    audit: Annotated[Disclosure, Strict(False)] | None = Field(
        None,
        description="What VPPs show of their day in the end: `full`, `totals` or `none`; "
        "left out: what the command that runs the market takes",
    )
    roster: list[RosterEntry] | None = Field(
        None,
        description="Every VPP of the market, as id or as {id, plant_digest}, where `vpps` has only some of them",
        min_length=1,
    )
    vpps: list[VppSection] = Field(description="The virtual power plants, at least one", min_length=1)


class PartialFile(ScenarioFile):
    """A part of a market: with the roster of all, and the plants of some or of none."""

    vpps: list[VppSection] = Field([], description="The virtual power plants that are known here")


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema of `scenario.yaml`, for editors; every field has a description, every number its `unit`.

    It holds the limits of single fields; rules between fields and the profiles are checked on loading.
    """
    schema = ScenarioFile.model_json_schema()
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
