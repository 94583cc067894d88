"""A small scenario with every field set, as text, and how to write it to disk. For tests of the scenario layer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FULL_YAML = """\
title: Everything set
horizon:
  periods: 3
  period_h: 0.5
profiles: [profiles.csv, tariff.csv]
market:
  price_min_cny_per_mwh: 310
  price_max_cny_per_mwh: 1210
  choice_temperature_cny_per_mwh: 51
  satisfaction: 0.81
  base_power_mw: 0.002
  role_tolerance: 1e-5
  price_rule: gradient
  revision_step: 0.4
  gradient_step_cny_per_mwh_per_mw: 11
  tatonnement_step_cny_per_mwh: 21
  price_tick_cny_per_mwh: 2
  offer_budget: 4000
  mechanism: consensus
  coupling_rounds: 24
  consensus_rounds: 190
  consensus_regret: 0.02
carbon:
  mode: flat
  base_price_cny_per_t: 281
  flat_price_cny_per_t: 282
  interval_t: 2.5
  growth: 0.26
  steps: 6
  grid_emission_t_per_mwh: 0.97
  grid_quota_t_per_mwh: 0.71
  mt_quota_t_per_mwh: 0.43
  renewable_quota_t_per_mwh: 0.2
  quota_sources: [grid_buy, mt, wt, pv]
  credits_follow_energy: true
  direct_quota_t_per_mwh: 0.5
network:
  delay_s: 0.05
coupling: once
vpps:
  - id: North
    label: All plants
    satisfaction: 0.9
    wt: {om_cost_cny_per_mwh: 16}
    pv: {om_cost_cny_per_mwh: 13}
    mt:
      p_min_mw: 0.3
      p_max_mw: 1.7
      ramp_up_mw_per_h: 0.8
      ramp_down_mw_per_h: 0.9
      cost_a_cny_per_mw2h: 85
      cost_b_cny_per_mwh: 525
      cost_on_cny_per_h: 45
      commitment: true
      cost_pieces: 7
      emission_t_per_mwh: 0.61
    ess:
      energy_mwh: 3.1
      charge_max_mw: 0.6
      discharge_max_mw: 0.7
      charge_efficiency: 0.94
      discharge_efficiency: 0.96
      soc_min: 0.12
      soc_max: 0.88
      soc_initial: 0.4
      wear_cny_per_mwh: 33
    cl:
      share_of_load: 0.11
      compensation_cny_per_mwh: 845
      daily_energy_max_mwh: 1.2
      credit_t_per_mwh: 0.3
    exchange:
      grid_buy_max_mw: 8.1
      grid_sell_max_mw: 1.3
      direct_in_max_mw: 4.1
      direct_out_max_mw: 4.2
      reserve_step_cny_per_mwh: 5
  - id: South
"""

FULL_FILES: Mapping[str, str] = {
    "scenario.yaml": FULL_YAML,
    "profiles.csv": """\
period,North_load_mw,North_wt_mw,North_pv_mw,South_load_mw
1,2.25,1.5,0,3.125
2,2.5,1.25,0.5,3.0
3,2.75,1e0,.75,2.875
""",
    "tariff.csv": """\
period,retail_cny_per_mwh,feed_in_cny_per_mwh
1,400,320
2,750,-20
3,1200,480
""",
}

MINIMAL_FILES: Mapping[str, str] = {
    "scenario.yaml": "horizon: {periods: 2}\nvpps:\n  - id: A\n    pv: {}\n  - id: B\n    wt: {}\n",
    "profiles.csv": """\
period,retail_cny_per_mwh,feed_in_cny_per_mwh,A_load_mw,A_pv_mw,B_load_mw,B_wt_mw
1,400,300,1,0,2,3
2,700,300,1,2,2,0
""",
}


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Create the folder and the files in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def replaced(files: Mapping[str, str], name: str, old: str, new: str) -> dict[str, str]:
    """The files with one passage of one of them changed; the passage must be there, once."""
    assert files[name].count(old) == 1, f"{old!r} is in {name} {files[name].count(old)} times"
    return {**files, name: files[name].replace(old, new)}
