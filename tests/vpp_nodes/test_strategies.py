"""Claims: a plant's owner may let it price, choose and declare as he likes, in one process and over the bus alike;
the market comes to its end, the certificate names what he loses, what he may not say is refused in one line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import market
from market.errors import RunError, ScenarioError, StrategyError
from market.model.strategy import StrategyChoice
from market.scenario import load_scenario, with_overrides, write_scenario
from tests.app.commands import vppmarket
from tests.processes.command import run
from vpp_nodes.strategies.turns import ChoiceTurn, DeclareTurn, Price, PriceTurn

EXAMPLES = Path(__file__).parents[2] / "scripts" / "examples" / "strategies"
MIXED = {
    "vpps.VPP1.strategy": "example_strategies:AlwaysTheCap",
    "vpps.VPP2.strategy": "example_strategies:CheapestOnly",
    "vpps.VPP3.strategy": {"use": "example_strategies:Bandit", "seed": 4, "options": {"arms": 7}},
    "market.learning_turns": 40,
}


@pytest.fixture(autouse=True)
def _examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example package can be imported, here and in the processes of a run."""
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES), prepend=":")


@cache
def usual_day(*, processes: bool = False) -> market.Run:
    """The default day, of no strategies."""
    return market.run("five_vpp", processes=processes)


def strategy(use: str, **options: object) -> dict[str, object]:
    return {"use": f"{__name__}:{use}", "options": options}


# --- what strategies do ---


@pytest.mark.parametrize("processes", [False, True])
def test_a_best_reply_of_ones_own_gives_the_prices_of_the_built_in_rule(processes: bool) -> None:
    own = {f"vpps.VPP{n}.strategy": "example_strategies:BestReply" for n in range(1, 6)}
    usual, ours = usual_day(processes=processes), market.run("five_vpp", own, processes=processes)
    for table in ("offers", "selections", "costs"):
        assert ours.tables[table].equals(usual.tables[table]), table
    assert ours.verdict == "equilibrium"
    assert ours.tables["strategies"].selling_regret_cny.max() < 1e-6


def test_strategies_among_stock_plants_end_and_are_certified_alike_everywhere(tmp_path: Path) -> None:
    """A seller at the cap, a buyer of the cheapest, a bandit: three of five, each a process of its own."""
    here = market.run("five_vpp", MIXED)
    bus = market.run("five_vpp", MIXED, processes=True, out=tmp_path / "run")
    for day in (here, bus):
        assert day.verdict == "uncertified"
        lost = day.tables["strategies"].set_index("vpp")
        assert list(lost.index) == ["VPP1", "VPP2", "VPP3"]
        assert lost.selling_regret_cny["VPP1"] > 100.0
        assert lost.buying_regret_cny["VPP2"] > 100.0
        assert lost.selling_regret_cny["VPP2"] == 0.0
        mine = day.offers[day.offers.vpp == "VPP1"]
        caps = day.periods.set_index("period").cap_cny_per_mwh
        assert (mine.price_cny_per_mwh.to_numpy() == caps[mine.period].to_numpy()).all()
        assert lost.selling_regret_cny["VPP1"] == pytest.approx(mine.regret_cny.sum(), abs=1e-9)
    assert market.open_run(tmp_path / "run").manifest["strategies"]["VPP3"] == "example_strategies:Bandit"


@pytest.mark.in_turn
@pytest.mark.sampled(1)
@pytest.mark.parametrize("time", ["virtual", "wall"])
def test_replay_computes_strategies_again_where_they_are_and_says_so_where_not(
    time: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.run("five_vpp", {**MIXED, "network.time": time}, processes=True, out=tmp_path / "run")
    with_it = run("replay", tmp_path / "run", "--json")
    assert with_it.returncode == 0, with_it.stdout
    assert '"not_recomputed": 0' in with_it.stdout
    assert '"different": 0' in with_it.stdout
    monkeypatch.delenv("PYTHONPATH")
    without = run("replay", tmp_path / "run", "--json")
    assert without.returncode == 0, without.stdout
    assert '"not_recomputed": 0,' not in without.stdout.partition('"unknown"')[0]
    assert "strategies that are not here" in without.stdout


def test_a_market_with_a_learner_repeats_itself_with_the_same_seed_and_not_with_another() -> None:
    one, again = market.run("five_vpp", MIXED), market.run("five_vpp", MIXED)
    assert one.offers.equals(again.offers)
    others = (market.run("five_vpp", {**MIXED, "vpps.VPP3.strategy.seed": seed}) for seed in range(5))
    assert any(tuple(other.trace.value) != tuple(one.trace.value) for other in others)


def test_each_plant_may_price_by_a_rule_of_its_own() -> None:
    """The built-in rules are strategies like any other."""
    usual = usual_day()
    mixed = market.run("five_vpp", {"vpps.VPP1.strategy": "gradient", "vpps.VPP4.strategy": "best_response"})
    assert mixed.verdict == "equilibrium"
    assert (mixed.offers.price_cny_per_mwh - usual.offers.price_cny_per_mwh).abs().max() < 1e-3


def test_a_plant_may_declare_less_than_it_has() -> None:
    usual = usual_day()
    held = market.run("five_vpp", {"vpps.VPP1.strategy": "example_strategies:HalfTheSurplus"})
    merged = usual.roles.merge(held.roles, on=["vpp", "period"])
    mine = merged[(merged.vpp == "VPP1") & (merged.surplus_mw_x > 0)]
    assert (mine.surplus_mw_y == mine.surplus_mw_x * 0.5).all()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("mechanism", ["uniform_price", "vcg"])
def test_where_declarations_are_cleared_a_strategy_declares_and_no_regret_is_claimed(
    mechanism: str, tmp_path: Path
) -> None:
    changes = {"market.mechanism": mechanism, "vpps.VPP1.strategy": "example_strategies:HalfTheSurplus"}
    usual = market.run("five_vpp", {"market.mechanism": mechanism})
    here = market.run("five_vpp", changes)
    bus = market.run("five_vpp", changes, processes=True, out=tmp_path / "run")
    declared = usual.roles[usual.roles.vpp == "VPP1"].surplus_mw
    for day in (here, bus):
        assert day.verdict == "cleared"
        assert (day.roles[day.roles.vpp == "VPP1"].surplus_mw == declared * 0.5).all()
        assert day.tables["strategies"][["selling_regret_cny", "buying_regret_cny"]].isna().all(axis=None)
    assert here.costs.equals(bus.costs)
    replayed = vppmarket("replay", tmp_path / "run", "--json", cwd=tmp_path)
    assert (replayed.returncode, '"different": 0' in replayed.stdout) == (0, True), replayed.stdout


def test_a_strategy_that_stands_still_while_it_learns_comes_to_an_end() -> None:
    """It wants turn after turn and never moves: neither market nor broker goes on for ever."""
    changes = {"vpps.VPP1.strategy": strategy("Idler"), "market.learning_turns": 5}
    for processes in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", f"{EXAMPLES}:{EXAMPLES.parents[2]}")
            assert market.run("five_vpp", changes, processes=processes).verdict in ("uncertified", "equilibrium")


# --- what is told, and kept ---


def test_what_a_strategy_is_told_is_public_and_right() -> None:
    """At its own price it would earn what the certificate says it earns, and its best price earns most."""
    Teller.told.clear()
    market.run("five_vpp", {"vpps.VPP1.strategy": strategy("Teller")})
    assert Teller.told
    for turn in Teller.told:
        prices = np.linspace(turn.least_price_cny_per_mwh, turn.cap_cny_per_mwh, 400)
        best = float(turn.profit_cny(turn.best_price_cny_per_mwh()))
        assert best >= turn.profit_cny(prices).max() - 1e-9
        assert not hasattr(turn, "plan")


def test_a_choice_of_strategy_is_the_plants_and_survives_writing(tmp_path: Path) -> None:
    scenario = with_overrides(load_scenario("five_vpp"), MIXED)
    write_scenario(scenario, tmp_path / "copy")
    again = load_scenario(str(tmp_path / "copy"))
    assert again.digest == scenario.digest != load_scenario("five_vpp").digest
    assert again.vpp("VPP3").strategy == StrategyChoice("example_strategies:Bandit", 4, (("arms", 7),))
    assert "strategy" not in (tmp_path / "copy" / "scenario.yaml").read_text().partition("vpps:")[0]


def test_a_plant_without_a_strategy_has_the_digest_that_it_always_had() -> None:
    plain = load_scenario("two_vpp")
    assert with_overrides(plain, {f"vpps.{plain.roster[0]}.strategy": None}).digest == plain.digest


# --- what is not taken ---


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"vpps.VPP1.strategy": "nowhere:Nothing"}, "cannot be imported: ModuleNotFoundError"),
        ({"vpps.VPP1.strategy": "example_strategies:Nothing"}, "cannot be imported: AttributeError"),
        ({"vpps.VPP1.strategy": "nothing"}, "is not known; give `package.module:Class`"),
        ({"vpps.VPP1.strategy": "os:PathLike"}, "cannot be made with {}"),
        ({"vpps.VPP1.strategy": "collections:Counter"}, "is no strategy; give it one of the methods price"),
        ({"vpps.VPP1.strategy": strategy("Fixed", price=1.0)}, "asks 1.0; a price is from 400 to 750 CNY/MWh"),
        ({"vpps.VPP1.strategy": strategy("Fixed", price="dear")}, "asks 'dear'; a price is from"),
        (
            {"vpps.VPP1.strategy": strategy("Forgetful")},
            "remembers a list; a memory is something that can be hashed",
        ),
        ({"vpps.VPP1.strategy": strategy("Failing")}, "fails with ZeroDivisionError: float division by zero"),
        ({"vpps.VPP1.strategy": strategy("Quitting")}, "fails with SystemExit: 3"),
        ({"vpps.VPP2.strategy": strategy("Greedy")}, "a choice is"),
        ({"vpps.VPP2.strategy": strategy("Silent")}, "declares None; it answers a Declaration of VPP2"),
        ({"vpps.VPP3.strategy": "example_strategies:Bandit"}, "learns, and market.learning_turns is 0"),
        (
            {"vpps.VPP3.strategy": "example_strategies:BestReply", "market.mechanism": "consensus"},
            "plays the game, and market.mechanism is consensus",
        ),
        (
            {"vpps.VPP3.strategy": "example_strategies:HalfTheSurplus", "market.mechanism": "consensus"},
            "plays the game",
        ),
        (
            {"vpps.VPP3.strategy": "gradient", "market.mechanism": "sdr"},
            "plays the game, and market.mechanism is sdr",
        ),
        (
            {"vpps.VPP3.strategy": "example_strategies:BestReply", "market.mechanism": "mcafee"},
            "prices or chooses, and market.mechanism is mcafee, which clears what is declared",
        ),
        (
            {"vpps.VPP3.strategy": {"use": "example_strategies:Bandit", "options": {"legs": 3}}},
            "cannot be made with",
        ),
    ],
)
def test_what_cannot_be_is_one_line(changes: Mapping[str, Any], told: str) -> None:
    with pytest.raises(StrategyError, match=r"VPP\d: ") as found:
        market.run("five_vpp", dict(changes))
    assert told in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (("vpps.VPP1.strategy=nowhere:Nothing",), "cannot be imported: ModuleNotFoundError"),
        (("vpps.VPP1.strategy=gradient", "market.mechanism=vcg"), "plays the game, and market.mechanism is vcg"),
    ],
)
def test_over_the_bus_the_same_line_is_told_before_any_process_is_there(
    changes: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    flags = [part for change in changes for part in ("--set", change)]
    ended = vppmarket("run", *flags, "--out", tmp_path / "run", "--quiet", cwd=tmp_path)
    (line,) = ended.stderr.splitlines()
    assert (ended.returncode, line.startswith("error: VPP1: its strategy ")) == (2, True), ended.stderr
    assert told in line


def test_a_strategy_that_only_its_node_cannot_make_breaks_the_run_with_that_line(tmp_path: Path) -> None:
    """Who starts all plants makes strategies once, before there are processes; here the second making fails."""
    changes = {"vpps.VPP1.strategy": strategy("Vanishing", mark=str(tmp_path / "made"))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{EXAMPLES}:{EXAMPLES.parents[2]}")
        with pytest.raises(RunError, match=r"VPP1: its strategy .* cannot be made with"):
            market.run("five_vpp", changes, processes=True)


@pytest.mark.parametrize("value", ["", "two words", "a:b:c", 3, {"seed": 1}, {"use": "a:B", "options": {"x": []}}])
def test_what_is_no_choice_of_a_strategy_is_a_fault_of_the_scenario(value: object) -> None:
    with pytest.raises(ScenarioError, match="strategy"):
        with_overrides(load_scenario("two_vpp"), {"vpps.Farm.strategy": value})


def test_what_a_choice_leaves_is_the_grids_where_buyers_may_choose_it() -> None:
    """The usual choice answered again gives the usual day; of nobody but the grid, it trades nothing."""
    grid: dict[str, object] = {"market.grid_option_mw": 1.0}

    def choosing(part: float) -> dict[str, object]:
        return {f"vpps.{vpp}.strategy": strategy("Usual", part=part) for vpp in load_scenario("two_vpp").roster}

    usual, again = market.run("two_vpp", grid), market.run("two_vpp", grid | choosing(1.0))
    assert usual.selections.probability.max() < 1.0
    assert again.selections.equals(usual.selections)
    assert again.verdict == usual.verdict == "equilibrium"
    assert market.run("two_vpp", grid | choosing(0.0)).selections.delivered_mw.sum() == 0.0
    with pytest.raises(StrategyError, match="shares from 0 on that sum to at most 1, the rest being the grid's"):
        market.run("two_vpp", grid | choosing(2.0))
    with pytest.raises(StrategyError, match=r"shares from 0 on that sum to 1$"):
        market.run("two_vpp", choosing(0.5))


# --- strategies of these tests ---


class Fixed:
    def __init__(self, price: Any) -> None:
        self.asks = price

    def price(self, turn: PriceTurn) -> Any:
        return self.asks


class Vanishing:
    """It can be made once only."""

    def __init__(self, mark: str) -> None:
        Path(mark).touch(exist_ok=False)

    def price(self, turn: PriceTurn) -> float:
        return turn.cap_cny_per_mwh


class Forgetful:
    def price(self, turn: PriceTurn) -> Price:
        return Price(turn.cap_cny_per_mwh, memory=[1, 2])  # type: ignore[arg-type]


class Failing:
    def price(self, turn: PriceTurn) -> float:
        return 1.0 / (turn.number - turn.number)


class Quitting:
    def price(self, turn: PriceTurn) -> float:
        raise SystemExit(3)


class Idler:
    learns = True

    def price(self, turn: PriceTurn) -> Price:
        return Price(turn.own_price_cny_per_mwh)


class Greedy:
    def choose(self, turn: ChoiceTurn) -> Any:
        return [2.0] * len(turn.prices_cny_per_mwh)


class Usual:
    """Chooses a part of what it would choose anyway."""

    def __init__(self, part: float = 1.0) -> None:
        self.part = part

    def choose(self, turn: ChoiceTurn) -> Any:
        return self.part * turn.rest


class Silent:
    def declare(self, turn: DeclareTurn) -> Any:
        return None


class Teller:
    told: ClassVar[list[PriceTurn]] = []

    def price(self, turn: PriceTurn) -> float:
        Teller.told.append(replace(turn))
        return turn.best_price_cny_per_mwh()
