"""Bill sharing: the day's bill with the grid is shared by energy (Long, Wu, Zhang et al. 2017, IEEE PES GM).

What all buy from the grid costs Σ_t R_t I_t, what all sell to it earns Σ_t f_t E_t. Over the day each pays the
first in proportion to what it was short of, and gets the second in proportion to what it had over:

    p_buy = Σ R I/ΣD        p_sell = Σ f E/ΣS

Energy from a peer is so paid no more than energy that is sold to the grid, less where little is: who has something
over may lose by it (Zhou, Wu & Long 2018), which is measured and not hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from market.game.period import PeriodGame
from market.mechanisms.cleared import ClearedPeriod, at_one_price, shorter_side
from market.model.arrays import Array


def bill_sharing(games: Sequence[PeriodGame], retail: Array) -> tuple[ClearedPeriod, ...]:
    """Tradable periods of one day. retail : R of each, CNY/MWh, shape (games,)

    Peers trade at p_sell; what makes each one's bill of a period that of its share passes as a transfer.
    """
    traded = [shorter_side(game) for game in games]
    imported, exported = (
        [float(np.sum(all_of_it - part)) for all_of_it, part in parts]
        for parts in (
            [(game.deficit_mw, bought) for game, (bought, _) in zip(games, traded, strict=True)],
            [(game.surplus_mw, sold) for game, (_, sold) in zip(games, traded, strict=True)],
        )
    )
    feed_in = [game.feed_in_cny_per_mwh for game in games]
    wanted, offered = (
        sum(float(game.deficit_mw.sum()) for game in games),
        sum(float(game.surplus_mw.sum()) for game in games),
    )
    if not games:
        return ()
    p_buy, p_sell = (
        float(retail @ np.array(imported)) / wanted,
        float(np.array(feed_in) @ np.array(exported)) / offered,
    )
    return tuple(
        replace(at_one_price(game, p_sell, bought, sold), transfer_cny=_transfers(game, rate, p_buy, p_sell))
        for game, (bought, sold), rate in zip(games, traded, retail.tolist(), strict=True)
    )


def _transfers(game: PeriodGame, retail: float, p_buy: float, p_sell: float) -> dict[str, float]:
    """What each pays beside the grid and its peers, CNY."""
    bought, sold = shorter_side(game)
    paid = p_buy * game.deficit_mw - retail * (game.deficit_mw - bought) - p_sell * bought
    got = p_sell * game.surplus_mw - game.feed_in_cny_per_mwh * (game.surplus_mw - sold) - p_sell * sold
    pays = dict(zip(game.buyers, (paid * game.period_h).tolist(), strict=True))
    return pays | dict(zip(game.sellers, (-got * game.period_h).tolist(), strict=True))
