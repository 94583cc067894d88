"""Claims about the section `network`: every field arrives, counts in the digest and comes back from the rules;
what is left out is the perfect network; whatever is broken is refused with all its faults at once."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from market.errors import ScenarioError
from market.model.network import (
    Constant,
    Empirical,
    Latency,
    LinkConditions,
    LinkOverride,
    Links,
    Lognormal,
    NetworkRules,
    NodeCompute,
    Normal,
    Outage,
    Partition,
    Retransmission,
    TimeMode,
    Uniform,
)
from market.scenario import load_scenario, scenario_schema, with_overrides
from market.scenario.network_build import network_fields, network_rules
from market.scenario.network_schema import NetworkSection
from market.scenario.scenario import Scenario
from tests.market.scenario_files import FULL_FILES, replaced, write_files

NETWORK = """\
network:
  latency: {kind: lognormal, median_s: 0.05, sigma: 1.0}
  jitter_s: 0.01
  loss: 0.02
  duplication: 0.1
  reordering: 0.05
  reordering_s: 0.2
  bandwidth_bit_per_s: 64000
  links:
    - {from: North, to: South, delay_s: 2.0}
    - {from: South, latency: {kind: uniform, low_s: 0.01, high_s: 0.09}, jitter_s: 0.0}
    - {to: North, latency: {kind: normal, mean_s: 0.05, deviation_s: 0.01}, loss: 0.4}
    - vpp: South
      latency: {kind: empirical, file: measured.csv}
      duplication: 0.2
      reordering: 0.3
      reordering_s: 0.5
      bandwidth_bit_per_s: 1000
    - {vpp: North, latency: {kind: empirical, samples_s: [0.3, 0.1]}}
  outages:
    - {from: North, to: South, start_s: 2.0, end_s: 12.0}
    - {vpp: South, start_s: 20.0}
  partitions:
    - {groups: [[North], [South]], start_s: 1.0, end_s: 9.0}
    - {groups: [[South], [North]], start_s: 30.0, end_s: null}
  compute_s: 0.02
  compute: {South: 0.2}
  retransmit_after_s: 0.3
  retransmit_backoff: 1.5
  retransmit_max_s: 6.0
  give_up_after_s: 600.0
  stall_after_s: 15.0
  time: wall
"""

RULES = NetworkRules(
    every=LinkConditions(Lognormal(0.05, 1.0), 0.01, 0.02, 0.1, 0.05, 0.2, 64000.0),
    links=(
        LinkOverride(Links("North", "South"), Constant(2.0)),
        LinkOverride(Links("South"), Uniform(0.01, 0.09), 0.0),
        LinkOverride(Links(receiver="North"), Normal(0.05, 0.01), loss=0.4),
        LinkOverride(
            Links(vpp="South"),
            Empirical((0.04, 0.05, 0.06)),
            duplication=0.2,
            reordering=0.3,
            reordering_s=0.5,
            bandwidth_bit_per_s=1000.0,
        ),
        LinkOverride(Links(vpp="North"), Empirical((0.1, 0.3))),
    ),
    outages=(Outage(Links("North", "South"), 2.0, 12.0), Outage(Links(vpp="South"), 20.0, None)),
    partitions=(
        Partition((("North",), ("South",)), 1.0, 9.0),
        Partition((("South",), ("North",)), 30.0, None),
    ),
    compute_s=0.02,
    compute=(NodeCompute("South", 0.2),),
    retransmission=Retransmission(0.3, 1.5, 6.0, 600.0),
    stall_after_s=15.0,
    time=TimeMode.WALL,
)

MEASURED = "time,latency_s\n1,0.06\n2,0.04\n3,5e-2\n"


def files(network: str = NETWORK, measured: str | None = MEASURED) -> Mapping[str, str]:
    """The full scenario with this section, and this file of measurements."""
    changed = replaced(FULL_FILES, "scenario.yaml", "network:\n  delay_s: 0.05\n", network)
    return changed if measured is None else {**changed, "measured.csv": measured}


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return load_scenario(write_files(tmp_path / "full", files()))


# --- what arrives ---


def test_every_field_arrives(scenario: Scenario) -> None:
    assert scenario.network == RULES


def test_nothing_given_is_the_perfect_network(tmp_path: Path) -> None:
    for name, text in {"absent": "", "empty": "network: {}\n"}.items():
        assert load_scenario(write_files(tmp_path / name, files(text, None))).network == NetworkRules()
    perfect = NetworkRules()
    assert (perfect.every, perfect.links, perfect.outages, perfect.partitions, perfect.compute_s) == (
        LinkConditions(Constant(0.0), 0.0, 0.0, 0.0, 0.0, 0.0, None), (), (), (), 0.0
    )  # fmt: skip
    assert perfect.retransmission == Retransmission(0.2, 2.0, 5.0, 3600.0)
    assert (perfect.stall_after_s, perfect.time) == (30.0, TimeMode.VIRTUAL)


@pytest.mark.parametrize("rules", [RULES, NetworkRules()], ids=["full", "perfect"])
def test_rules_come_back_from_their_fields(rules: NetworkRules) -> None:
    section = NetworkSection.model_validate(network_fields(rules))
    assert network_rules(section, samples={}) == rules


def test_the_schema_accepts_every_field() -> None:
    document = {"vpps": [{"id": "North"}, {"id": "South"}], **yaml.safe_load(NETWORK)}
    jsonschema.Draft202012Validator(scenario_schema()).validate(document)


def test_the_short_form_is_a_constant_latency(tmp_path: Path) -> None:
    short = load_scenario(write_files(tmp_path / "short", files("network: {delay_s: 0.05}\n", None)))
    long = "network: {latency: {kind: constant, value_s: 0.05}}\n"
    assert load_scenario(write_files(tmp_path / "long", files(long, None))).digest == short.digest


# --- the digest ---


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        return [path]
    return [leaf for key, child in items for leaf in _leaves(child, (*path, key))]


FIELDS: dict[str, Any] = yaml.safe_load(NETWORK)["network"]
OTHER_ID = {"North": "South", "South": "North"}
# These have no other value that is valid by itself.
BOUND = {
    *(path for path in _leaves(FIELDS) if path[-1] == "kind"),
    *(path for path in _leaves(FIELDS) if "groups" in path or path[-1] == "file"),
    *((name, 0, end) for name in ("links", "outages") for end in ("from", "to")),
}


def _nudged(value: object) -> object:
    if value is None:
        return 99.0
    if isinstance(value, str):
        return OTHER_ID.get(value, "virtual")
    assert isinstance(value, int | float)
    return math.nextafter(value, math.inf)


@pytest.mark.parametrize(
    "path", [path for path in _leaves(FIELDS) if path not in BOUND], ids=lambda path: ".".join(map(str, path))
)
def test_every_value_counts_in_the_digest_of_the_whole_and_not_of_the_public(
    path: tuple[str | int, ...], scenario: Scenario, tmp_path: Path
) -> None:
    fields = copy.deepcopy(FIELDS)
    place: Any = fields
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = _nudged(place[path[-1]])
    text = yaml.safe_dump({"network": fields})
    changed = load_scenario(write_files(tmp_path / "changed", files(text)))
    assert changed.digest != scenario.digest
    assert changed.public.digest == scenario.public.digest


def test_samples_count_and_their_order_and_file_do_not(scenario: Scenario, tmp_path: Path) -> None:
    def digest(name: str, network: str, measured: str | None) -> str:
        return load_scenario(write_files(tmp_path / name, files(network, measured))).digest

    inline = NETWORK.replace("file: measured.csv", "samples_s: [0.05, 0.06, 0.04]")
    assert digest("inline", inline, None) == scenario.digest
    assert digest("turned", NETWORK, "latency_s\n0.04\n0.05\n0.06\n") == scenario.digest
    assert digest("other", NETWORK, MEASURED.replace("0.06", "0.07")) != scenario.digest


def test_a_whole_number_is_the_same_number(scenario: Scenario, tmp_path: Path) -> None:
    same = load_scenario(write_files(tmp_path / "same", files(NETWORK.replace("start_s: 2.0", "start_s: 2"))))
    assert same.digest == scenario.digest


# --- overrides ---


def test_overrides_leave_the_rest_as_it_is(scenario: Scenario) -> None:
    changed = with_overrides(scenario, {"network.delay_s": 1.0, "network.loss": 0.5, "network.partitions": []})
    assert changed.network.every == LinkConditions(Constant(1.0), 0.01, 0.5, 0.1, 0.05, 0.2, 64000.0)
    assert (changed.network.links, changed.network.outages) == (RULES.links, RULES.outages)
    assert changed.network.partitions == ()
    assert with_overrides(scenario, {}).digest == scenario.digest


@pytest.mark.parametrize(
    ("fields", "latency"),
    [
        ({"kind": "uniform", "low_s": 0.01, "high_s": 0.09}, Uniform(0.01, 0.09)),
        ({"kind": "empirical", "samples_s": [0.2, 0.1]}, Empirical((0.1, 0.2))),
    ],
)
def test_an_override_may_be_any_latency(fields: object, latency: Latency, scenario: Scenario) -> None:
    assert with_overrides(scenario, {"network.latency": fields}).network.every.latency == latency


def test_faults_of_overrides_name_the_field_or_where_it_came_from(scenario: Scenario) -> None:
    changes = {
        "network.outages": [{"vpp": "West", "start_s": 1.0}],
        "network.latency": {"kind": "empirical", "file": "x.csv"},
        "network.compute": {"Sout": 1.0},
    }
    with pytest.raises(ScenarioError) as caught:
        with_overrides(scenario, changes, sources={"network.outages": "--outage"})
    assert [(fault.place, fault.value) for fault in caught.value.faults] == [
        ("--outage [0].vpp", "'West'"),
        ("override network.compute.Sout", "'Sout'"),
        ("override network.latency.file", "'x.csv'"),
    ]
    assert "did you mean South?" in caught.value.faults[1].remedy


# --- broken sections ---

_ID = "must be the id of a VPP"
_TIME = "must be a number >= 0 and <= 1000000"
_SELECT = "must say which links: from, to or vpp"

# The section, and of each fault: path, rule, value, and a part of the remedy.
BROKEN: Mapping[str, tuple[str, list[tuple[str, str, str, str]]]] = {
    "loss of 1": (
        "{loss: 1}",
        [("network.loss", "must be a number >= 0 and < 1, or null", "1", "Probability that an attempt is lost")],
    ),
    "two latencies": (
        "{delay_s: 1, latency: {kind: constant, value_s: 1}}",
        [("network.delay_s", "must not be given together with latency", "1.0", "keep one of the two")],
    ),
    "no kind": (
        "{latency: {value_s: 1}}",
        [("network.latency.kind", "required, one of: constant, uniform, normal, lognormal, empirical", "nothing",
          "add it: constant (value_s)")],
    ),
    "unknown kind": (
        "{latency: {kind: pareto, value_s: 1}}",
        [("network.latency.kind", "must be one of: constant, uniform, normal, lognormal, empirical", "'pareto'",
          "correct it")],
    ),
    "fields of another kind": (
        "{latency: {kind: normal, mean_s: 1, sigma: 2}}",
        [("network.latency.sigma", "must not be given with kind normal", "2.0", "takes mean_s, deviation_s"),
         ("network.latency.deviation_s", "must be given with kind normal", "nothing", "add it")],
    ),
    "uniform upside down": (
        "{latency: {kind: uniform, low_s: 2, high_s: 1}}",
        [("network.latency.low_s", "low_s must not be above high_s", "2.0 above 1.0", "exchange the two")],
    ),
    "median of 0": (
        "{latency: {kind: lognormal, median_s: 0, sigma: 1}}",
        [("network.latency.median_s", "must be a number > 0 and <= 1000000, or null", "0", "Median")],
    ),
    "empirical without samples": (
        "{latency: {kind: empirical}}",
        [("network.latency.file", "must be given with kind empirical, or samples_s in its place", "neither",
          "give one of the two")],
    ),
    "empirical elsewhere": (
        "{latency: {kind: empirical, file: ../measured.csv}}",
        [("network.latency.file", "must be a file name inside the scenario's folder", "'../measured.csv'",
          "put the file into the scenario's folder")],
    ),
    "a negative sample": (
        "{latency: {kind: empirical, samples_s: [0.1, -0.1]}}",
        [("network.latency.samples_s[1]", _TIME, "-0.1", "Measured latencies")],
    ),
    "no samples": (
        "{latency: {kind: empirical, samples_s: []}}",
        [("network.latency.samples_s", "must be a list that is not empty, or null", "[]", "Measured latencies")],
    ),
    "reordering without its time": (
        "{reordering: 0.1}",
        [("network.reordering_s", "must be given together with reordering", "nothing", "add it")],
    ),
    "reordering by nothing": (
        "{reordering: 0.1, reordering_s: 0}",
        [("network.reordering_s", "must be above 0 where reordering is", "0.0", "say by how long")],
    ),
    "no bandwidth": (
        "{bandwidth_bit_per_s: 0}",
        [("network.bandwidth_bit_per_s", "must be a number >= 1 and <= 100000000000, or null", "0", "bit/s")],
    ),
    "strangers everywhere": (
        "{links: [{from: West, to: South, delay_s: 1}], outages: [{vpp: Sout, start_s: 1}], "
        "partitions: [{groups: [[North], [Est, South]]}], compute: {north: 1}}",
        [("network.links[0].from", _ID, "'West'", "there are North, South"),
         ("network.outages[0].vpp", _ID, "'Sout'", "did you mean South?"),
         ("network.partitions[0].groups[1][0]", _ID, "'Est'", "there are North, South"),
         ("network.compute.north", _ID, "'north'", "did you mean North?")],
    ),
    "no link meant": (
        "{links: [{delay_s: 1}], outages: [{start_s: 1}]}",
        [("network.links[0]", _SELECT, "none of them", "add one"),
         ("network.outages[0]", _SELECT, "none of them", "add one")],
    ),
    "links meant twice": (
        "{links: [{vpp: North, to: South, delay_s: 1}]}",
        [("network.links[0].vpp", "must not be given together with from or to", "'North'", "keep vpp")],
    ),
    "a link to itself": (
        "{links: [{from: North, to: North, delay_s: 1}]}",
        [("network.links[0].to", "must be another VPP than from", "'North'", "other end")],
    ),
    "a link with nothing different": (
        "{links: [{vpp: North}]}",
        [("network.links[0]", "must say what is different on these links", "nothing", "add one of delay_s")],
    ),
    "an unknown field of a link": (
        "{links: [{vpp: North, los: 0.1}]}",
        [("network.links[0].los", "must be a known field", "'los'", "did you mean loss?")],
    ),
    "empty windows": (
        "{outages: [{vpp: North, start_s: 2, end_s: 2}], "
        "partitions: [{groups: [[North], [South]], start_s: 3, end_s: 1}]}",
        [("network.outages[0].end_s", "end_s must be above start_s", "2.0 and 2.0", "give a later end"),
         ("network.partitions[0].end_s", "end_s must be above start_s", "3.0 and 1.0", "give a later end")],
    ),
    "groups that are none": (
        "{partitions: [{groups: [[North]]}, {groups: [[], [North, South], [South]]}]}",
        [("network.partitions[0].groups", "must be two groups or more", "1", "other side"),
         ("network.partitions[1].groups", "must have a VPP in each group", "an empty group", "fill it"),
         ("network.partitions[1].groups", "must name each VPP only once", "South", "remove what is repeated")],
    ),
    "groups of the wrong shape": (
        "{partitions: [{groups: [North, [3]]}, {start_s: 1}]}",
        [("network.partitions[0].groups[0]", "must be a list", "'North'", "Two groups"),
         ("network.partitions[0].groups[1][0]", "must be text (Two groups of ids or more, none in two of them; "
          "a VPP in no group reaches everybody)", "3", "put it in quotes"),
         ("network.partitions[1].groups", "required, a list", "nothing", "add it: Two groups")],
    ),
    "compute times that are none": (
        "{compute: {North: -1, South: fast}}",
        [("network.compute.North", _TIME, "-1", "give the seconds"),
         ("network.compute.South", _TIME, "'fast'", "give the seconds")],
    ),
    "compute of the wrong shape": (
        "{compute: 3, links: {from: North}}",
        [("network.links", "must be a list", "a mapping", "What is different on some links"),
         ("network.compute", "must be a section of `name: value` lines", "3", "Time a turn takes")],
    ),
    "longest wait below the first": (
        "{retransmit_after_s: 6}",
        [("network.retransmit_max_s", "retransmit_max_s must not be below retransmit_after_s", "5.0 below 6.0",
          "raise it")],
    ),
    "attempts without end": (
        "{retransmit_after_s: 0.001, give_up_after_s: 1000}",
        [("network.give_up_after_s", "must be at most 100000 times retransmit_after_s", "1000.0", "earlier")],
    ),
    "a shrinking back-off": (
        "{retransmit_backoff: 0.5}",
        [("network.retransmit_backoff", "must be a number >= 1 and <= 100", "0.5", "default 2.0")],
    ),
    "an unknown time": (
        "{time: real, stall_after_s: 0}",
        [("network.stall_after_s", "must be a number >= 0.1 and <= 86400", "0", "default 30.0"),
         ("network.time", "must be one of: virtual, wall", "'real'", "default 'virtual'")],
    ),
}  # fmt: skip


def _told(folder: Path, told: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(write_files(folder, told))
    return [(fault.place, fault.rule, fault.value, fault.remedy) for fault in caught.value.faults]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_section_is_told_its_faults(name: str, tmp_path: Path) -> None:
    section, expected = BROKEN[name]
    told = _told(tmp_path, files(f"network: {section}\n", None))
    line = files(f"network: {section}\n", None)["scenario.yaml"].split("network:")[0].count("\n") + 1
    places = [(f"scenario.yaml:{line} {path}", rule, value) for path, rule, value, _ in expected]
    assert sorted((place, rule, value) for place, rule, value, _ in told) == sorted(places)
    remedies = {(place, rule): remedy for place, rule, _, remedy in told}
    for path, rule, _, remedy in expected:
        assert remedy in remedies[f"scenario.yaml:{line} {path}", rule]


@pytest.mark.parametrize(
    ("measured", "place", "rule", "value"),
    [
        (None, "measured.csv", "must be there", "nothing"),
        ("", "measured.csv", "must not be empty", "an empty file"),
        ("delay\n1\n", "measured.csv:1", "must have one column latency_s", "'delay'"),
        ("latency_s\n", "measured.csv", "must have a sample", "a header only"),
        ("latency_s\n1\n-1\n", "measured.csv:3 column latency_s", "must be a number from 0 to 1000000 s", "'-1'"),
        ("a,latency_s\n1\n", "measured.csv:2 column latency_s", "must be a number from 0 to 1000000 s",
         "an empty cell"),
        ("latency_s\nnan\n", "measured.csv:2 column latency_s", "must be a number from 0 to 1000000 s", "'nan'"),
        ('latency_s\n"1\n', "measured.csv:2", "must be readable CSV", "unexpected end of data"),
    ],
)  # fmt: skip
def test_a_broken_file_of_measurements_is_told(
    measured: str | None, place: str, rule: str, value: str, tmp_path: Path
) -> None:
    assert [fault[:3] for fault in _told(tmp_path, files(NETWORK, measured))] == [(place, rule, value)]


def test_a_long_list_of_broken_samples_is_cut_short(tmp_path: Path) -> None:
    told = _told(tmp_path, files(NETWORK, "latency_s\n" + "x\n" * 100))
    assert [fault[2] for fault in told] == ["'x'", "'x'", "'x'", "97 more"]


def test_faults_of_the_network_are_told_with_all_others(tmp_path: Path) -> None:
    broken = replaced(
        files(NETWORK.replace("vpp: South\n", "vpp: Suth\n"), None), "scenario.yaml", "steps: 6", "steps: 0"
    )
    places = {place.split(" ", 1)[-1] for place, *_ in _told(tmp_path, broken)}
    assert places == {"carbon.steps", "network.links[3].vpp", "measured.csv"}
