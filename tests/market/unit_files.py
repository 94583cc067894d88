"""A small market whose plants have units of every kind, as text. For tests of what scenarios may say of units."""

from __future__ import annotations

from collections.abc import Mapping

UNITS_YAML = """\
title: Plants of practice
horizon: {periods: 6}
profiles: [profiles.csv, plants.csv]
market: {price_min_cny_per_mwh: 300}
vpps:
  - id: F01
    tariff: std
    exchange: {grid_buy_max_mw: 9, peer_fee_cny_per_mwh: 10}
    pv: {}
    ess: {energy_mwh: 2, charge_max_mw: 1, discharge_max_mw: 1, end: valued, end_value_cny_per_mwh: 420}
    units:
      - {id: H1, kind: load, label: Houses}
      - {id: H2, kind: load, net_metered: true}
      - {id: PV2, kind: pv, om_cost_cny_per_mwh: 11}
      - {id: W1, kind: wt}
      - {id: B1, kind: ess, energy_mwh: 1, charge_max_mw: 0.5, discharge_max_mw: 0.4,
         end: free, self_discharge_per_h: 0.01}
      - {id: B2, kind: ess, energy_mwh: 1, charge_max_mw: 0.5, discharge_max_mw: 0.5, end: given, soc_end: 0.6}
      - {id: C1, kind: cl, share_of_load: 0.05, compensation_cny_per_mwh: 800}
      - {id: S1, kind: shift, share_of_load: 0.2, window_h: 3}
      - {id: E1, kind: ev, energy_mwh: 0.6, power_max_mw: 0.3, arrival_h: 1, departure_h: 4.5}
      - {id: D1, kind: deferrable, energy_mwh: 0.4, power_max_mw: 0.2, earliest_h: 2}
  - id: F02
    mt:
      p_min_mw: 0.2
      p_max_mw: 1.2
      commitment: true
      curve_mw: [0.2, 0.7, 1.2]
      curve_cny_per_h: [150, 420, 650]
      start_cost_cny: 80
      min_up_h: 2
      min_down_h: 2
      initial_output_mw: 0.5
      initial_state_h: 1
    units:
      - {id: G2, kind: mt, p_max_mw: 0.8, cost_b_cny_per_mwh: 520, ramp_mw_per_h: 0.5}
      - {id: BIO, kind: biomass, p_max_mw: 0.5, cost_b_cny_per_mwh: 350}
      - {id: HY, kind: hydro, p_max_mw: 1, reservoir_mwh: 4, level_initial: 0.4}
      - {id: RUN, kind: hydro, p_max_mw: 0.6}
      - {id: CHP, kind: must_run, om_cost_cny_per_mwh: 5, emission_t_per_mwh: 0.2}
"""

UNITS_FILES: Mapping[str, str] = {
    "scenario.yaml": UNITS_YAML,
    "profiles.csv": """\
period,retail_cny_per_mwh,feed_in_cny_per_mwh,grid_emission_t_per_mwh,std_retail_cny_per_mwh,std_feed_in_cny_per_mwh
1,400,300,0.9,500,280
2,400,300,0.8,500,280
3,750,320,0.5,700,290
4,750,320,0.4,800,290
5,1100,350,0.7,1150,300
6,1100,350,0.95,1150,300
""",
    "plants.csv": """\
period,F01_pv_mw,F01_H1_mw,F01_H2_mw,F01_PV2_mw,F01_W1_mw,F02_load_mw,F02_HY_mw,F02_RUN_mw,F02_CHP_mw
1,0,3.5,0.4,0,0.6,0.5,0.4,0.3,0.5
2,0.5,3.4,0.1,0.3,0.7,0.4,0.4,0.3,0.5
3,3.5,1.3,-0.8,2.0,0.2,2.5,0.5,0.4,0.5
4,3.8,1.3,-1.1,2.2,0.1,4.5,0.5,0.9,0.5
5,0.3,4.0,0.2,0.1,0.3,1.0,0.3,0.4,0.5
6,0,4.2,0.6,0,0.9,0.5,0.3,0.3,0.5
""",
}
