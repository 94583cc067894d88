"""Shows the market as a Mesa user meets it: one day, its data frames, the same day over processes, and a batch.

    python scripts/mesa_example.py [SCENARIO]

All in simulated time; the answer is that of `vppmarket run`, to the last digit. A page: `scripts/mesa_page.py`.
"""

from __future__ import annotations

import sys

import mesa
import pandas

from market.app.mesa_model import MarketModel

CARBON_PRICES_CNY_PER_T = (140.0, 280.0, 560.0)


def one_day(scenario: str) -> MarketModel:
    """Run a day to its end and show what Mesa has collected."""
    model = MarketModel(scenario, seed=0)
    model.run_model()

    by_step = model.datacollector.get_model_vars_dataframe()
    print(f"\n{scenario}: {model.view.verdict} after {model.view.rounds} rounds, {model.view.sent} messages")
    print(by_step[["rounds", "unrested_periods", "traded_mwh", "traded_at_cny_per_mwh"]].tail(4).to_string())

    by_agent = model.datacollector.get_agent_vars_dataframe().loc[model.steps]
    print("\nEach VPP, costs in CNY")
    print(by_agent.set_index("vpp")[["sold_mwh", "bought_mwh", "grid_only_cny", "game_cny"]].round(1).to_string())

    offers = model.data_frames()["offers"]  # the tables of a run folder, under their names
    print("\nDearest offers at rest")
    print(offers.nlargest(3, "price_cny_per_mwh")[["vpp", "period", "price_cny_per_mwh"]].to_string(index=False))
    return model


def over_processes(scenario: str, here: MarketModel) -> MarketModel:
    """The same day with every agent a process of its own, and whether that makes any difference."""
    apart = MarketModel(scenario, seed=0, processes=True)
    apart.run_model()
    mine, theirs = (model.datacollector.get_agent_vars_dataframe() for model in (here, apart))
    equal = mine.equals(theirs) and here.data_frames()["costs"].equals(apart.data_frames()["costs"])
    print(f"\nOver {len(apart.agents)} processes: {'equal' if equal else 'not equal'}, step by step")
    return apart


def batch(scenario: str) -> pandas.DataFrame:
    """The same day under three prices of the first carbon step, μ."""
    results = mesa.batch_run(
        MarketModel,
        parameters={"scenario": scenario, "base_price_cny_per_t": CARBON_PRICES_CNY_PER_T},
        display_progress=False,
    )
    frame = pandas.DataFrame(results).drop_duplicates("RunId")
    columns = [
        "base_price_cny_per_t",
        "verdict",
        "traded_at_cny_per_mwh",
        "system_game_cny",
        "system_game_emission_t",
    ]
    print("\nThree carbon prices")
    print(frame[columns].round(2).to_string(index=False))
    return frame


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else "five_vpp"
    over_processes(chosen, one_day(chosen))
    batch(chosen)
