"""Claims: each flag of communication conditions is read as what it says, several flags add up to one section, and
whatever cannot be read, or breaks a rule of the section, is told by the flag it came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from market.errors import ScenarioError
from market.scenario import load_scenario, with_overrides
from market.scenario.network_flags import NetworkFlags, network_changes
from market.scenario.scenario import Scenario

VPPS = ("VPP1", "VPP2", "East", "East-1", "North-East")


@pytest.fixture(scope="module")
def five_vpp() -> Scenario:
    return load_scenario("five_vpp")


@pytest.mark.parametrize(
    ("flags", "values"),
    [
        (NetworkFlags(), {}),
        (NetworkFlags(delay="50ms"), {"latency": {"kind": "constant", "value_s": 0.05}}),
        (NetworkFlags(delay=" constant:1.5s "), {"latency": {"kind": "constant", "value_s": 1.5}}),
        (NetworkFlags(delay="uniform:10ms:90ms"), {"latency": {"kind": "uniform", "low_s": 0.01, "high_s": 0.09}}),
        (
            NetworkFlags(delay="normal:50ms:500us"),
            {"latency": {"kind": "normal", "mean_s": 0.05, "deviation_s": 0.0005}},
        ),
        (
            NetworkFlags(delay="lognormal:50ms:0.5"),
            {"latency": {"kind": "lognormal", "median_s": 0.05, "sigma": 0.5}},
        ),
        (NetworkFlags(jitter="250µs"), {"jitter_s": 0.00025}),
        (NetworkFlags(loss="0.02"), {"loss": 0.02}),
        (NetworkFlags(loss=".5"), {"loss": 0.5}),
        (NetworkFlags(duplicate="0.1"), {"duplication": 0.1}),
        (NetworkFlags(reorder="0.1:200ms"), {"reordering": 0.1, "reordering_s": 0.2}),
        (NetworkFlags(bandwidth="64kbit"), {"bandwidth_bit_per_s": 64_000.0}),
        (NetworkFlags(bandwidth="1.5Mbit"), {"bandwidth_bit_per_s": 1_500_000.0}),
        (NetworkFlags(compute="20ms"), {"compute_s": 0.02}),
        (
            NetworkFlags(outage=("VPP1-VPP2:2s:12s", "VPP1:500ms:", "VPP2:1s")),
            {
                "outages": [
                    {"from": "VPP1", "to": "VPP2", "start_s": 2.0, "end_s": 12.0},
                    {"vpp": "VPP1", "start_s": 0.5, "end_s": None},
                    {"vpp": "VPP2", "start_s": 1.0, "end_s": None},
                ]
            },
        ),
        (
            NetworkFlags(outage=("East-1:1s:2s", "North-East-VPP1:1s:2s", "East-East-1:1s:2s")),
            {
                "outages": [
                    {"vpp": "East-1", "start_s": 1.0, "end_s": 2.0},
                    {"from": "North-East", "to": "VPP1", "start_s": 1.0, "end_s": 2.0},
                    {"from": "East", "to": "East-1", "start_s": 1.0, "end_s": 2.0},
                ]
            },
        ),
        (
            NetworkFlags(partition=("VPP1,VPP2/East:1s:9s", "VPP1 / VPP2 / East:3s")),
            {
                "partitions": [
                    {"groups": [["VPP1", "VPP2"], ["East"]], "start_s": 1.0, "end_s": 9.0},
                    {"groups": [["VPP1"], ["VPP2"], ["East"]], "start_s": 3.0, "end_s": None},
                ]
            },
        ),
    ],
)
def test_a_flag_is_what_it_says(flags: NetworkFlags, values: dict[str, object]) -> None:
    changes = network_changes(flags, VPPS)
    assert changes.values == {f"network.{name}": value for name, value in values.items()}
    assert set(changes.sources) == set(changes.values)


def test_measured_latencies_are_read_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "measured:1.csv"
    path.write_text("latency_s\n0.2\n0.1\n", encoding="utf-8")
    changes = network_changes(NetworkFlags(delay=f"empirical:{path}"), VPPS)
    assert changes.values == {"network.latency": {"kind": "empirical", "samples_s": [0.2, 0.1]}}


DURATION = "must be a number and a unit (us, ms, s)"
LATENCY = "must be a time, or a distribution and its parameters"
WINDOW = "must say whom, from when, until when"


@pytest.mark.parametrize(
    ("flags", "place", "rule", "value"),
    [
        (NetworkFlags(delay="50"), "--delay", DURATION, "'50'"),
        (NetworkFlags(delay="-1s"), "--delay", DURATION, "'-1s'"),
        (NetworkFlags(delay=""), "--delay", DURATION, "''"),
        (NetworkFlags(delay="1 s"), "--delay", DURATION, "'1 s'"),
        (NetworkFlags(delay="١s"), "--delay", DURATION, "'١s'"),
        (NetworkFlags(delay="lognormal:50ms"), "--delay", LATENCY, "'lognormal:50ms'"),
        (NetworkFlags(delay="pareto:50ms:1"), "--delay", LATENCY, "'pareto:50ms:1'"),
        (NetworkFlags(delay="uniform:10ms:90"), "--delay", DURATION, "'90'"),
        (NetworkFlags(delay="lognormal:50ms:half"), "--delay", "must be a plain number", "'half'"),
        (NetworkFlags(delay="empirical:"), "--delay", "must name a CSV file after empirical:", "'empirical:'"),
        (NetworkFlags(delay="empirical:nowhere.csv"), "nowhere.csv", "must be there", "nothing"),
        (NetworkFlags(jitter="5"), "--jitter", DURATION, "'5'"),
        (NetworkFlags(loss="2%"), "--loss", "must be a plain number", "'2%'"),
        (NetworkFlags(loss="nan"), "--loss", "must be a plain number", "'nan'"),
        (NetworkFlags(duplicate="often"), "--duplicate", "must be a plain number", "'often'"),
        (NetworkFlags(reorder="0.1"), "--reorder", "must be a share and a time", "'0.1'"),
        (NetworkFlags(reorder="0.1:9"), "--reorder", DURATION, "'9'"),
        (
            NetworkFlags(bandwidth="64k"),
            "--bandwidth",
            "must be a number and a unit (bit, kbit, Mbit, Gbit)",
            "'64k'",
        ),
        (NetworkFlags(outage=("VPP1",)), "--outage", WINDOW, "'VPP1'"),
        (NetworkFlags(outage=(":1s:2s",)), "--outage", WINDOW, "':1s:2s'"),
        (NetworkFlags(outage=("VPP1:1s:2s:3s",)), "--outage", WINDOW, "'VPP1:1s:2s:3s'"),
        (NetworkFlags(partition=("VPP1/VPP2",)), "--partition", WINDOW, "'VPP1/VPP2'"),
        (NetworkFlags(partition=("VPP1/VPP2::2s",)), "--partition", WINDOW, "'VPP1/VPP2::2s'"),
        (NetworkFlags(compute="fast"), "--compute", DURATION, "'fast'"),
    ],
)
def test_what_cannot_be_read_is_refused(flags: NetworkFlags, place: str, rule: str, value: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        network_changes(flags, VPPS)
    (fault,) = caught.value.faults
    assert (fault.place, fault.rule, fault.value) == (place, rule, value)
    assert fault.remedy


def test_a_link_that_can_be_read_in_two_ways_is_refused() -> None:
    with pytest.raises(ScenarioError, match="must be readable in one way only"):
        network_changes(NetworkFlags(outage=("A-B-C:1s:2s",)), ("A", "B-C", "A-B", "C"))


def test_all_flags_that_cannot_be_read_are_told_at_once() -> None:
    flags = NetworkFlags(delay="1", jitter="2", loss="x", outage=("A", "B:1s:2s", "C"))
    with pytest.raises(ScenarioError) as caught:
        network_changes(flags, VPPS)
    assert [fault.place for fault in caught.value.faults] == [
        "--delay",
        "--jitter",
        "--loss",
        "--outage",
        "--outage",
    ]


def test_what_the_section_forbids_is_told_by_its_flag(five_vpp: Scenario) -> None:
    flags = NetworkFlags(
        delay="uniform:50ms:10ms",
        loss="1",
        duplicate="1.5",
        reorder="0.1:0s",
        outage=("VPP1-VPP7:1s:2s", "VPP1:2s:1s"),
        partition=("VPP1:1s", "VPP1/Nobody:1s"),
    )
    changes = network_changes(flags, tuple(vpp.id for vpp in five_vpp.vpps))
    with pytest.raises(ScenarioError) as caught:
        with_overrides(five_vpp, changes.values, changes.sources)
    assert {(fault.place, fault.value) for fault in caught.value.faults} == {
        ("--delay low_s", "0.05 above 0.01"),
        ("--loss", "1.0"),
        ("--duplicate", "1.5"),
        ("--outage [0].to", "'VPP7'"),
        ("--outage [1].end_s", "2.0 and 1.0"),
        ("--partition [0].groups", "1"),
        ("--partition [1].groups[1][0]", "'Nobody'"),
    }  # reordering by 0 is told once its section has no other fault
    with pytest.raises(ScenarioError, match=r"--reorder: must be above 0 where reordering is; got 0\.0"):
        with_overrides(five_vpp, {"network.reordering": 0.1, "network.reordering_s": 0.0}, changes.sources)


def test_flags_and_file_give_the_same_digest(five_vpp: Scenario) -> None:
    changes = network_changes(NetworkFlags(delay="50ms", loss="0.02"), ())
    flagged = with_overrides(five_vpp, changes.values, changes.sources)
    assert flagged.digest == with_overrides(five_vpp, {"network.delay_s": 0.05, "network.loss": 0.02}).digest
    assert flagged.public.digest == five_vpp.public.digest
