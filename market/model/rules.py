"""What all VPPs of a market share: horizon, tariff, market rules, carbon rules.

Each parameter is defined here and nowhere else; rules between fields stand behind them. Values here are already
validated (`market.scenario` does that); units are in the names, periods count from 1 for people and from 0 in
arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from market.model.arrays import Array
from market.model.parameter import (
    MAX_POWER_MW,
    MAX_PRICE_CNY_PER_MWH,
    MAX_SLOPE_CNY_PER_MW2H,
    Broken,
    follow,
    later,
    parameter,
)

MAX_PERIODS: Final = 35_136  # a leap year of quarter hours
MAX_RUN_H: Final = 1e7
MOST_TICKS: Final = 1_000_000
_MAX_FACTOR: Final = 100


class CarbonMode(StrEnum):
    """How carbon enters a VPP's objective (the paper's Models 1 to 4)."""

    STEPPED = "stepped"  # (3) in the objective and in the bill (Model 4)
    FLAT = "flat"  # one price in the objective and in the bill (Models 1 and 2)
    NONE = "none"  # not in the objective, billed afterwards by (3) (Model 3)


class PriceRule(StrEnum):
    """How a seller updates its price, (26)."""

    BEST_RESPONSE = "best_response"
    GRADIENT = "gradient"
    TATONNEMENT = "tatonnement"


class Mechanism(StrEnum):
    """How trade between VPPs comes about."""

    GAME = "game"  # sellers offer, buyers select (the paper's way)
    CONSENSUS = "consensus"  # all adjust to a common price of each period until supply meets demand (M7)
    UNIFORM_PRICE = "uniform_price"  # these and the rest: a rule makes prices and deliveries of the declarations
    K_DOUBLE_AUCTION = "k_double_auction"
    MCAFEE = "mcafee"
    VCG = "vcg"
    MID_MARKET_RATE = "mid_market_rate"
    BILL_SHARING = "bill_sharing"
    SUPPLY_DEMAND_RATIO = "sdr"

    @property
    def clears(self) -> bool:
        """Whether all follows from the declarations by a rule, without offers or answers."""
        return self not in (Mechanism.GAME, Mechanism.CONSENSUS)

    @property
    def transfers(self) -> bool:
        """Whether money passes beside the price of energy."""
        return self in (Mechanism.MCAFEE, Mechanism.VCG, Mechanism.BILL_SHARING)


class BillingPeriod(StrEnum):
    """Over which time the excess of carbon is added up before the steps of (3) are applied to it, (M16)."""

    HORIZON = "horizon"  # all periods together
    DAY = "day"  # each day by itself, counted from the start on
    WEEK = "week"  # each seven days


class Coupling(StrEnum):
    """How dispatch and game are coupled; `once` is the paper's way."""

    ONCE = "once"  # everybody plans for itself, then what is left over is traded
    ITERATE = "iterate"  # everybody plans again with the market as an option, and declares anew


LEAST_TEMPERATURE_CNY_PER_MWH = 1e-6
"""The smallest τ above 0: prices are as fine as 1e-8 CNY/MWh, and below it a buyer's choice is as good as pure."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """The day: how many periods, how long each; and when it begins, where that is known.

    start : the first moment, ISO 8601 with its distance from UTC; empty where periods are numbers alone
    tz : the time zone by whose clocks people tell the periods, a name of the tz database or a distance from UTC
    before_h, after_h : where it is a part of a longer run, how much of that lies before it and after it
    """

    periods: int = parameter("periods", "Number of periods", symbol="T", default=24, ge=1, le=MAX_PERIODS)
    period_h: float = parameter("h", "Length of a period", symbol="Δt", default=1.0, ge=0.001, le=168)
    start: str = later("")
    tz: str = later("")
    before_h: float = parameter(
        "h", "Of a run of many days, what lies before these periods", default=0.0, ge=0, le=MAX_RUN_H, later=True
    )
    after_h: float = parameter(
        "h", "Of a run of many days, what lies after these periods", default=0.0, ge=0, le=MAX_RUN_H, later=True
    )


@dataclass(frozen=True, slots=True)
class Tariff:
    """What the main grid asks (retail) and pays (feed-in), shape (periods,)."""

    retail_cny_per_mwh: Array = parameter(
        "CNY/MWh", "Price of energy from the grid", ge=-MAX_PRICE_CNY_PER_MWH, le=MAX_PRICE_CNY_PER_MWH
    )
    feed_in_cny_per_mwh: Array = parameter(
        "CNY/MWh", "Price of energy to the grid", ge=-MAX_PRICE_CNY_PER_MWH, le=MAX_PRICE_CNY_PER_MWH
    )


@dataclass(frozen=True, slots=True)
class OwnTariff:
    """What the grid asks of some VPPs and pays them, in place of everybody's tariff (M14); `name` is for files."""

    name: str
    prices: Tariff


@dataclass(frozen=True, slots=True)
class MarketRules:
    """Rules of the VPP-to-VPP market, the same for all."""

    price_min_cny_per_mwh: float = parameter(
        "CNY/MWh",
        "Lowest price of an offer; the feed-in price of a period, if higher, counts instead",
        default=300.0,
        gt=0,
        le=MAX_PRICE_CNY_PER_MWH,
    )
    price_max_cny_per_mwh: float = parameter(
        "CNY/MWh",
        "Highest price of an offer; the retail price of a period, if lower, counts instead",
        default=1200.0,
        gt=0,
        le=MAX_PRICE_CNY_PER_MWH,
    )
    choice_temperature_cny_per_mwh: float = parameter(
        "CNY/MWh",
        "How widely buyers spread over sellers, 1e-6 or more; 0: the cheapest with something left, prices move "
        "on a tick",
        symbol="τ",
        default=50.0,
        ge=0,
        le=MAX_PRICE_CNY_PER_MWH,
        first=True,
    )
    base_power_mw: float = parameter(
        "MW",
        "Base power inside the logarithms of the utilities",
        symbol="S0",
        default=0.001,
        gt=0,
        le=MAX_POWER_MW,
    )
    role_tolerance: float = parameter(
        "share", "A VPP is idle while supply / demand is within 1 ± this", default=1e-6, ge=0, lt=1
    )
    price_rule: PriceRule = parameter(
        "", "How a seller moves its price, (26)", default=PriceRule.BEST_RESPONSE, first=True
    )
    revision_step: float = parameter(
        "share", "By how much one replicator step (25) contracts", symbol="δ₁τ", default=0.5, ge=0.001, lt=1
    )
    gradient_step_cny_per_mwh_per_mw: float = parameter(
        "CNY/MWh per MW",
        "Step of price rule `gradient`",
        symbol="δ₂",
        default=10.0,
        gt=0,
        le=MAX_SLOPE_CNY_PER_MW2H,
    )
    tatonnement_step_cny_per_mwh: float = parameter(
        "CNY/MWh",
        "Step of price rule `tatonnement`",
        symbol="δ₂",
        default=20.0,
        gt=0,
        le=MAX_PRICE_CNY_PER_MWH,
    )
    price_tick_cny_per_mwh: float = parameter(
        "CNY/MWh", "Grid of prices, used only where τ is 0", default=1.0, gt=0, le=MAX_PRICE_CNY_PER_MWH
    )
    offer_budget: int = parameter(
        "offers",
        "How often a seller may change its price in a period before that ends as budget_spent",
        default=5000,
        ge=1,
        le=10_000_000,
    )
    learning_turns: int = parameter(
        "turns",
        "Where sellers learn: how many turns in a period one that does may take before it keeps its price, and no "
        "cycles are looked for; 0: nobody learns",
        default=0,
        ge=0,
        le=1_000_000,
        later=True,
    )
    grid_option_mw: float = parameter(
        "MW",
        "Weight of the grid among what a buyer chooses from: that of a seller with so much surplus at the retail "
        "price; 0: buyers choose among sellers only",
        symbol="S_g",
        default=0.0,
        ge=0,
        le=MAX_POWER_MW,
        later=True,
    )
    mechanism: Mechanism = parameter(
        "",
        "How trade comes about: game; consensus on a common price of each period; or a rule that clears what is "
        "declared",
        default=Mechanism.GAME,
    )
    double_auction_share: float = parameter(
        "share",
        "Of the way from the last ask to the last bid, where mechanism k_double_auction puts its price",
        symbol="k",
        default=0.5,
        ge=0,
        le=1,
        later=True,
    )
    coupling: Coupling = parameter(
        "",
        "How dispatch and game are coupled: once, dispatch, game, dispatch; iterate, plans made anew with the "
        "market as an option",
        default=Coupling.ONCE,
    )
    coupling_rounds: int = parameter(
        "rounds", "How often all plan again and trade anew under coupling `iterate`", default=25, ge=1, le=10_000
    )
    day_certificate: bool = parameter(
        "",
        "Whether each VPP bounds in the end what it could have gained by planning its whole day anew (M6)",
        default=False,
    )
    consensus_rounds: int = parameter(
        "rounds", "How often all answer a price at most under mechanism `consensus`", default=200, ge=1, le=100_000
    )
    consensus_regret: float = parameter(
        "share",
        "Consensus is reached once all regrets together are at most this share of what trade saves",
        default=5e-5,
        ge=1e-9,
        le=1,
    )


def price_band(market: MarketRules) -> Iterator[Broken]:
    """The band is not upside down, and not too wide for its tick."""
    low, high, tick = market.price_min_cny_per_mwh, market.price_max_cny_per_mwh, market.price_tick_cny_per_mwh
    if market.choice_temperature_cny_per_mwh == 0 and (high - low) / tick > MOST_TICKS:
        rule = f"the band must not hold more than {MOST_TICKS:,} ticks"
        yield Broken("price_tick_cny_per_mwh", rule, repr(tick), "take a larger tick or a narrower band")
    elif low > high:
        rule = "price_min_cny_per_mwh must not be above price_max_cny_per_mwh"
        yield Broken(
            "price_min_cny_per_mwh", rule, f"{low!r} above {high!r}", "exchange the two or widen the band"
        )


def choice_spread(market: MarketRules) -> Iterator[Broken]:
    """Buyers spread over sellers widely enough to be told from a price grid of 1e-8 CNY/MWh, or not at all."""
    temperature = market.choice_temperature_cny_per_mwh
    if 0.0 < temperature < LEAST_TEMPERATURE_CNY_PER_MWH:
        rule = f"must be 0, or at least {LEAST_TEMPERATURE_CNY_PER_MWH:g}"
        yield Broken("choice_temperature_cny_per_mwh", rule, repr(temperature), "take 0: the cheapest is chosen")


def chosen_grid(market: MarketRules) -> Iterator[Broken]:
    """The grid is a choice where buyers spread over sellers, and where no day is certified."""
    if market.grid_option_mw == 0.0:
        return
    field, remedy, value = "grid_option_mw", "leave grid_option_mw out", repr(market.grid_option_mw)
    if market.mechanism is not Mechanism.GAME:
        rule = f"must be 0 where mechanism is {market.mechanism.value}: only in a game do buyers choose"
        yield Broken(field, rule, value, f"{remedy}, or take mechanism game")
    elif market.choice_temperature_cny_per_mwh == 0.0:
        rule = "must be 0 where choice_temperature_cny_per_mwh is 0: buyers have to spread over sellers"
        yield Broken(field, rule, value, f"{remedy}, or raise choice_temperature_cny_per_mwh")
    elif market.day_certificate:
        rule = "must be 0 where day_certificate is true, whose menus do not know of it"
        yield Broken(field, rule, value, f"{remedy}, or day_certificate")


def coupled_game(market: MarketRules) -> Iterator[Broken]:
    """Only a game is played again: consensus plans and trades at once."""
    if market.coupling is Coupling.ITERATE and market.mechanism is not Mechanism.GAME:
        rule = f"must be once where mechanism is {market.mechanism.value}"
        yield Broken("coupling", rule, market.coupling.value, "leave coupling out, or take mechanism game")


def certified_game(market: MarketRules) -> Iterator[Broken]:
    """A day is certified where prices come of a game in which buyers spread over sellers."""
    if not market.day_certificate:
        return
    field, remedy = "day_certificate", "leave day_certificate out"
    if market.mechanism is not Mechanism.GAME:
        why = "bounds are known of games only" if market.mechanism.clears else "it tells of regrets itself"
        rule = f"must be false where mechanism is {market.mechanism.value}: {why}"
        yield Broken(field, rule, "true", remedy)
    elif market.choice_temperature_cny_per_mwh == 0.0:
        rule = "must be false where choice_temperature_cny_per_mwh is 0: buyers have to spread over sellers"
        yield Broken(field, rule, "true", f"{remedy}, or raise choice_temperature_cny_per_mwh")


MARKET_RULES = (price_band, choice_spread, chosen_grid, coupled_game, certified_game)
"""All rules between the fields of `MarketRules`, for a file as for a tape."""


@dataclass(frozen=True, slots=True)
class CarbonRules:
    """Carbon trading, (1) to (3), the same rules for all."""

    mode: CarbonMode = parameter(
        "",
        "How carbon enters a VPP's objective: stepped, flat, or none (billed afterwards by steps)",
        default=CarbonMode.STEPPED,
    )
    base_price_cny_per_t: float = parameter(
        "CNY/t", "Price of the first step", symbol="μ", default=280.0, ge=0, le=MAX_PRICE_CNY_PER_MWH, first=True
    )
    flat_price_cny_per_t: float = parameter(
        "CNY/t", "Price in mode flat", follows="base_price_cny_per_t", ge=0, le=MAX_PRICE_CNY_PER_MWH
    )
    interval_t: float = parameter("t CO2", "Width of a step", symbol="l", default=2.0, gt=0, le=1e9, first=True)
    growth: float = parameter(
        "share", "Growth of the price from step to step", symbol="α", default=0.25, ge=0, le=100, first=True
    )
    steps: int = parameter("steps", "Number of steps; the last has no end", symbol="N", default=5, ge=1, le=1000)
    grid_emission_t_per_mwh: float = parameter(
        "t CO2/MWh", "Emission of energy bought from the grid", symbol="δ_g", default=0.98, ge=0, le=_MAX_FACTOR
    )
    grid_quota_t_per_mwh: float = parameter(
        "t CO2/MWh",
        "Free quota of energy bought from the grid; keep it below δ_g",
        symbol="σ_g",
        default=0.728,
        ge=0,
        le=_MAX_FACTOR,
    )
    mt_quota_t_per_mwh: float = parameter(
        "t CO2/MWh", "Free quota of micro-turbine energy", symbol="σ_MT", default=0.42, ge=0, le=_MAX_FACTOR
    )
    renewable_quota_t_per_mwh: float = parameter(
        "t CO2/MWh",
        "Free quota of WT and PV energy; only where quota_sources names them",
        symbol="σ_re",
        default=0.0,
        ge=0,
        le=_MAX_FACTOR,
    )
    credits_follow_energy: bool = parameter(
        "", "Whether energy traded between VPPs takes quota along to the buyer", default=False
    )
    direct_quota_t_per_mwh: float = parameter(
        "t CO2/MWh",
        "Quota that traded energy takes along",
        symbol="σ_dir",
        follows="grid_quota_t_per_mwh",
        ge=0,
        le=_MAX_FACTOR,
    )
    grid_emission_by_period_t_per_mwh: Array | None = parameter(
        "t CO2/MWh",
        "Emission of energy bought from the grid, by period; in place of δ_g",
        default=None,
        ge=0,
        le=_MAX_FACTOR,
        later=True,
    )
    billing_period: BillingPeriod = parameter(
        "",
        "Over which time the excess is added up before its steps are applied: horizon, all periods together; day "
        "or week, each by itself, counted from the start on",
        default=BillingPeriod.HORIZON,
        later=True,
    )

    def __post_init__(self) -> None:
        follow(self)
