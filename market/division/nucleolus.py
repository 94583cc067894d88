"""The nucleolus: the shares at which the coalition that complains most complains least, then the next, and so on.

A coalition complains of what it would be worth by itself, less what it gets. Found by successive linear programmes
(Schmeidler 1969; Kopelowitz 1967): the largest complaint is made as small as can be; coalitions that cannot be
made to complain less are held there, and the next largest complaint follows, until nothing is left open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from market.division.coalitions import CoalitionGame, membership
from market.errors import ModelError
from market.model.arguments import of_kind
from market.model.arrays import Array, BoolArray, frozen
from vpp_nodes.dispatch.linear import LinearProgram, SolveStatus

_TIGHT: Final = 1e-7  # a dual above this, of all duals that add up to 1, holds its coalition
_IN_SPAN: Final = 1e-9


@dataclass(slots=True)
class _Held:
    """Coalitions whose shares are decided: rows (h, n) of full rank, and what each gets (h,)."""

    rows: Array
    shares: Array

    def decides(self, members: Array) -> BoolArray:
        """Of which coalitions (c, n) the sum of shares follows from those held."""
        basis = np.linalg.qr(self.rows.T)[0]
        off: BoolArray = np.abs(members - members @ basis @ basis.T).max(axis=1) < _IN_SPAN
        return off

    def add(self, row: Array, share: float) -> None:
        if not self.decides(row[None, :])[0]:
            self.rows, self.shares = np.vstack([self.rows, row]), np.append(self.shares, share)


def nucleolus(game: CoalitionGame) -> Array:
    """Each player's share, shape (n,); together they get what everybody is worth, and nobody less than alone.

    Raises: ModelError where everybody together is worth less than all alone.

    >>> bankrupt = CoalitionGame.of("ABC", {"BC": 100.0, "ABC": 200.0})  # claims 100, 200, 300 (Talmud)
    >>> nucleolus(bankrupt).round(6).tolist()
    [50.0, 75.0, 75.0]
    """
    game = of_kind(CoalitionGame, game, "game")
    members = membership(len(game.players))
    scale = float(np.abs(game.worth).max()) or 1.0
    worth = game.worth / scale
    alone = worth[1 << np.arange(len(game.players))]
    if alone.sum() > worth[-1] + _IN_SPAN:
        raise ModelError("all alone are worth more than everybody together; there is nothing that all would share")
    held = _Held(members[-1:], worth[-1:])
    while len(held.rows) < len(game.players):
        open_to = np.flatnonzero(~held.decides(members))
        for coalition, share in _held_next(members[open_to], worth[open_to], held, alone):
            held.add(coalition, share)
    shares = np.linalg.solve(held.rows, held.shares) * scale
    return frozen(shares)


def least_complaint(game: CoalitionGame) -> float:
    """The largest complaint of any coalition but everybody, made as small as can be: ≤ 0 if the core is not empty.

    (The value of the least core: Maschler, Peleg & Shapley 1979.) −inf for a single player.
    """
    members = membership(len(game.players))
    scale = float(np.abs(game.worth).max()) or 1.0
    if len(game.players) == 1:
        return -np.inf
    held = _Held(members[-1:], game.worth[-1:] / scale)
    free = np.full(len(game.players), -np.inf)
    complaint, _ = _least_complaint(members[1:-1], game.worth[1:-1] / scale, held, free)
    return complaint * scale


def _held_next(members: Array, worth: Array, held: _Held, alone: Array) -> list[tuple[Array, float]]:
    """The coalitions whose complaint can be made no smaller, and what they get."""
    complaint, duals = _least_complaint(members, worth, held, alone)
    tight = np.flatnonzero(duals > _TIGHT)
    return [(members[s], float(worth[s]) - complaint) for s in tight]


def _least_complaint(members: Array, worth: Array, held: _Held, alone: Array) -> tuple[float, Array]:
    """min ε with x(S) + ε ≥ v(S), x as held and x_i ≥ v(i); with the duals of these rows, which add up to 1."""
    program, count = LinearProgram(), members.shape[1]
    shares = program.columns(alone, np.full(count, np.inf), np.zeros(count))
    complaint = program.columns(np.array([-np.inf]), np.array([np.inf]), np.array([1.0]))[0]
    rows = [
        program.row(value, np.inf, [*_columns(row, shares), complaint], [1.0] * (int(row.sum()) + 1))
        for row, value in zip(members, worth.tolist(), strict=True)
    ]
    for row, share in zip(held.rows, held.shares.tolist(), strict=True):
        program.row(share, share, _columns(row, shares), [1.0] * int(row.sum()))
    answer = program.solve_lp()
    if answer.ending is not SolveStatus.OPTIMAL:
        raise ModelError(f"no nucleolus was found: the solver ended as `{answer.ending}`; is each worth a number?")
    return float(answer.values[complaint]), answer.duals[rows]


def _columns(row: Array, shares: range) -> list[int]:
    return [shares[i] for i in np.flatnonzero(row)]
