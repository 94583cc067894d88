"""The columns of each table in a run folder, and which values each may hold.

The words of the bus are looked up when they are asked for: a day in one process has none, and never loads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, get_args

from market.app.results.kept import TraceQuantity
from market.game.result import Verdict
from market.model.declaration import Role
from market.model.vpp import UnitKind

DISPATCH_QUANTITIES: Final = (
    *("load_mw", "wt_mw", "pv_mw", "mt_mw", "charge_mw", "discharge_mw", "soc_mwh", "cl_mw"),
    *("buy_mw", "sell_mw", "direct_in_mw", "direct_out_mw", "curtailed_mw"),
)
UNIT_QUANTITIES: Final = (
    *("biomass_mw", "hydro_mw", "must_run_mw", "moved_away_mw", "moved_here_mw", "tasks_mw"),
)
"""What `dispatch` has besides where a plant has units of other kinds than the first."""
LINK_COUNTS: Final = ("sent", "delivered", "lost", "resent", "duplicated", "late", "undeliverable", "bytes")

_BY_NAME: Final = {
    "roles": "vpp period supply_mw demand_mw sdr role surplus_mw deficit_mw curtailed_mw "
    "marginal_value_cny_per_mwh",
    "bids": "vpp period deficit_mw own_supply_mw k_cny_per_h kappa",
    "offers": "vpp period surplus_mw reserve_cny_per_mwh price_cny_per_mwh requested_mw delivered_mw utility_cny "
    "regret_cny",
    "selections": "buyer seller period probability requested_mw delivered_mw price_cny_per_mwh payment_cny",
    "periods": "period floor_cny_per_mwh cap_cny_per_mwh feed_in_cny_per_mwh retail_cny_per_mwh tau_cny_per_mwh "
    "p_clr_cny_per_mwh verdict rounds",
    "dispatch": f"vpp stage period {' '.join(DISPATCH_QUANTITIES)}",
    "units": "vpp stage unit kind period supply_mw use_mw stored_mwh curtailed_mw",
    "costs": "vpp scenario operation_cny trade_cny carbon_cny total_cny emission_t quota_t curtailed_mwh",
    "imbalance": "vpp scenario period scheduled_mw realised_mw deviation_mw price_cny_per_mwh cost_cny missed_mw "
    "missed_cny",
    "trace": "time_s round vpp counterpart period quantity value residual",
    "rounds": "round cost_cny regrets_cny traded_mwh imbalance_mw settled",
    "transfers": "vpp period transfer_cny",
    "day_certificate": "vpp cost_cny regret_lower_cny regret_upper_cny",
    "strategies": "vpp selling_regret_cny buying_regret_cny",
    "links": f"sender receiver {' '.join(LINK_COUNTS)} delay_min_s delay_mean_s delay_max_s",
    "network": "time_s in_flight queued",
    "staleness": "time_s vpp version staleness_s",
    "messages": "epoch sent_s arrival_s sender receiver kind seq bytes attempts fate",
}
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {name: tuple(names.split()) for name, names in _BY_NAME.items()}
"""The columns of each table, in their order."""

WITH_UNITS: Final = (*COLUMNS["dispatch"], *UNIT_QUANTITIES)
"""The columns of `dispatch` of a run in which a plant that is shown has units."""
PEAK: Final = "peak_cny"
"""What `costs` has besides where anybody pays for its largest import."""
IMBALANCE_COST: Final = "imbalance_cny"
"""What it has besides of a run whose day became real."""
UNIT_TABLES: Final = ("units",)
"""The table of such a run."""

DAY_TABLES: Final = ("roles", "bids", "offers", "selections", "periods", "dispatch", "costs", "trace")
ROUND_TABLES: Final = ("rounds",)
IMBALANCE: Final = "imbalance"
"""The table of a run whose day became real."""
TRANSFERS: Final = "transfers"
"""The table of a run whose mechanism moves money beside the price of energy."""
DAY_CERTIFICATE: Final = "day_certificate"
"""The table of a run whose day was certified as a whole."""
STRATEGIES: Final = "strategies"
"""The table of a run in which owners have chosen strategies."""
NETWORK_TABLES: Final = ("links", "network", "staleness", "messages")

WHOLE: Final = frozenset({"period", "stage", "round", "rounds", "settled", "epoch", "seq", "attempts"})
"""Whole numbers; whatever is no word is a double, empty where there is none."""
NAMES: Final = frozenset({"vpp", "buyer", "seller", "counterpart", "sender", "receiver"})
"""Of VPPs; all of them together are called `system`, and nobody has an empty name."""
STAMPS: Final = frozenset({"start"})
"""Of a period, beside its number in a table as it is written."""
TEXTS: Final = frozenset({"unit"})
"""Any text: what plants call their units."""
WORDS: Final = frozenset({"role", "verdict", "scenario", "quantity", "kind", "fate"})
"""Of a list that `words_of` has."""
_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "role": frozenset(Role),
    "verdict": frozenset(Verdict),
    "scenario": frozenset({"grid_only", "game", "grid_only_realised", "game_realised"}),
    "quantity": frozenset(TraceQuantity),
}


def forms_of(table: str) -> tuple[tuple[str, ...], ...]:
    """The columns that a table may have: those that all runs have, or those of one with more to tell."""
    first = COLUMNS[table]
    if table == "dispatch":
        return (first, WITH_UNITS)
    if table == "costs":
        return tuple((*first, *more) for more in ((), (PEAK,), (IMBALANCE_COST,), (PEAK, IMBALANCE_COST)))
    return (first,)


@cache
def words_of(table: str, column: str) -> frozenset[str]:
    """The words that a column may hold: kinds are those of units, or of messages."""
    if column == "kind" and table in UNIT_TABLES:
        return frozenset(kind.value for kind in UnitKind)
    if column == "kind":
        from broker.wire.messages import MarketMessage

        return frozenset(kind.__name__ for kind in get_args(MarketMessage))
    if column == "fate":
        from broker.delivery.network_log import MessageFate

        return frozenset(MessageFate)
    return _WORDS[column]
