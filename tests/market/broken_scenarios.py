"""Scenarios that are broken in one way each, or in several, with every fault that must be told of them.

Other tests reuse the table, for instance to check what the command line makes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.market.scenario_files import FULL_FILES, replaced, write_files

YAML, PROFILES, TARIFF = "scenario.yaml", "profiles.csv", "tariff.csv"


@dataclass(frozen=True, slots=True)
class ExpectedFault:
    """Rule, value and place word for word; `remedy` is a part of it."""

    place: str
    rule: str
    value: str
    remedy: str


@dataclass(frozen=True, slots=True)
class BrokenScenario:
    """A name, the files on disk, and the faults in the order they are told."""

    name: str
    files: Mapping[str, str | bytes]
    faults: tuple[ExpectedFault, ...]

    def write(self, folder: Path) -> Path:
        """Create it below `folder`."""
        return write_files(folder / self.name.replace(" ", "_"), self.files)


def _broken(name: str, file: str, old: str, new: str, *faults: tuple[str, str, str, str]) -> BrokenScenario:
    return BrokenScenario(name, replaced(FULL_FILES, file, old, new), tuple(ExpectedFault(*f) for f in faults))


def _field(
    name: str, old: str, new: str, path: str, rule: str, value: str, remedy: str, told_at: str = ""
) -> BrokenScenario:
    """One passage of scenario.yaml changed; told at the line of `told_at`, else of the new passage."""
    text = replaced(FULL_FILES, YAML, old, new)[YAML]
    line = text.count("\n", 0, text.index(told_at or new)) + 1
    return _broken(name, YAML, old, new, (f"{YAML}:{line} {path}", rule, value, remedy))


def _whole(
    name: str, file: str, content: str | bytes | None, *faults: tuple[str, str, str, str]
) -> BrokenScenario:
    files: dict[str, str | bytes] = {**FULL_FILES}
    if content is None:
        del files[file]
    else:
        files[file] = content
    return BrokenScenario(name, files, tuple(ExpectedFault(*fault) for fault in faults))


_NUMBER_WORDS = "write a plain number, without quotes, units or thousands separators"
_POWER = "must be a number >= 0 and <= 1000000"
_SHARE = "must be a number > 0 and <= 1"
_CELL = "must be a number from 0 to 1000000 MW"
_COLUMN = "must be a column that scenario.yaml calls for"
_ID = (
    "Name: a letter of A to Z, then up to 31 letters, digits, _ or -, since it names columns, files and keys; "
    "not `broker` or `system`. Any letters may stand in `label`"
)
_FIRST_ROW = "1,2.25,1.5,0,3.125"

_FIELDS = (
    _field(
        "efficiency 0", "charge_efficiency: 0.94", "charge_efficiency: 0",
        "vpps[0].ess.charge_efficiency", _SHARE, "0", "leave it out for the default 0.95",
    ),
    _field(
        "efficiency above 1", "discharge_efficiency: 0.96", "discharge_efficiency: 1.04",
        "vpps[0].ess.discharge_efficiency", _SHARE, "1.04", "leave it out for the default 0.95",
    ),
    _field(
        "text for a number", "p_max_mw: 1.7", 'p_max_mw: "1.7"',
        "vpps[0].mt.p_max_mw", _POWER, "'1.7'", _NUMBER_WORDS,
    ),
    _field(
        "unit of another kind", "p_max_mw: 1.7", "p_max_mw: 1.7 MWh",
        "vpps[0].mt.p_max_mw", "must be in MW, or another unit of the same kind", "'1.7 MWh'",
        "write it like 40 MW, 11 kW",
    ),
    _field(
        "bool for a number", "energy_mwh: 3.1", "energy_mwh: true",
        "vpps[0].ess.energy_mwh", _POWER, "true", _NUMBER_WORDS,
    ),
    _field(
        "word for a bool", "commitment: true", "commitment: yes",
        "vpps[0].mt.commitment", "must be true or false", "'yes'", "write true or false",
    ),
    _field(
        "negative capacity", "energy_mwh: 3.1", "energy_mwh: -3.1",
        "vpps[0].ess.energy_mwh", _POWER, "-3.1", "Capacity",
    ),
    _field(
        "huge power", "grid_buy_max_mw: 8.1", "grid_buy_max_mw: 8.1e6",
        "vpps[0].exchange.grid_buy_max_mw", f"{_POWER}, or null", "8100000.0", "Most power bought",
    ),
    _field(
        "a number of 400 digits", "energy_mwh: 3.1", f"energy_mwh: {'9' * 400}",
        "vpps[0].ess.energy_mwh", _POWER, "inf", "Capacity",
    ),
    _field(
        "not a number", "wear_cny_per_mwh: 33", "wear_cny_per_mwh: .nan",
        "vpps[0].ess.wear_cny_per_mwh", _POWER, "nan", "leave it out for the default 30.0",
    ),
    _field(
        "infinite price", "price_max_cny_per_mwh: 1210", "price_max_cny_per_mwh: .inf",
        "market.price_max_cny_per_mwh", "must be a number > 0 and <= 1000000", "inf", "default 1200.0",
    ),
    _field(
        "huge price", "base_price_cny_per_t: 281", "base_price_cny_per_t: 28100000",
        "carbon.base_price_cny_per_t", _POWER, "28100000", "default 280.0",
    ),
    _field(
        "band upside down", "price_min_cny_per_mwh: 310", "price_min_cny_per_mwh: 1310",
        "market.price_min_cny_per_mwh", "price_min_cny_per_mwh must not be above price_max_cny_per_mwh",
        "1310.0 above 1210.0", "exchange the two or widen the band",
    ),
    _field(
        "revision step 1", "revision_step: 0.4", "revision_step: 1",
        "market.revision_step", "must be a number >= 0.001 and < 1", "1", "leave it out for the default 0.5",
    ),
    _field(
        "negative growth", "growth: 0.26", "growth: -0.26",
        "carbon.growth", "must be a number >= 0 and <= 100", "-0.26", "Growth of the price from step to step",
    ),
    _field(
        "no steps", "steps: 6", "steps: 0",
        "carbon.steps", "must be a whole number >= 1 and <= 1000", "0", "leave it out for the default 5",
    ),
    _field(
        "half a step", "steps: 6", "steps: 6.5",
        "carbon.steps", "must be a whole number >= 1 and <= 1000", "6.5", "without a point",
    ),
    _field(
        "unknown mode", "mode: flat", "mode: stepwise",
        "carbon.mode", "must be one of: stepped, flat, none", "'stepwise'", "default 'stepped'",
    ),
    _field(
        "unknown source", "[grid_buy, mt, wt, pv]", "[grid_buy, mt, hydro]",
        "carbon.quota_sources[2]", "must be one of: grid_buy, mt, wt, pv", "'hydro'", "default ['grid_buy', 'mt']",
    ),
    _field(
        "source twice", "[grid_buy, mt, wt, pv]", "[grid_buy, mt, mt]",
        "carbon.quota_sources", "each source only once", "grid_buy, mt, mt", "remove the repeated one",
    ),
    _field(
        "wind without pv", "[grid_buy, mt, wt, pv]", "[grid_buy, wt]",
        "carbon.quota_sources", "wt and pv must come together", "grid_buy, wt", "name both or neither",
    ),
    _field(
        "no renewable quota", "  renewable_quota_t_per_mwh: 0.2\n", "",
        "carbon.renewable_quota_t_per_mwh", "must be given when quota_sources names wt and pv", "nothing",
        "give σ_re",
        told_at="carbon:",
    ),
    _field(
        "negative delay", "delay_s: 0.05", "delay_s: -0.05",
        "network.delay_s", f"{_POWER}, or null", "-0.05", "Constant latency",
    ),
    _field(
        "turbine upside down", "p_min_mw: 0.3", "p_min_mw: 1.8",
        "vpps[0].mt.p_min_mw", "p_min_mw must not be above p_max_mw", "1.8 above 1.7", "exchange the two",
    ),
    _field(
        "three cost pieces", "cost_pieces: 7", "cost_pieces: 3",
        "vpps[0].mt.cost_pieces", "must be a whole number >= 4 and <= 1000", "3", "leave it out for the default 8",
    ),
    _field(
        "two ways of ramps", "ramp_up_mw_per_h: 0.8", "ramp_mw_per_h: 0.8",
        "vpps[0].mt.ramp_mw_per_h", "must not be given together with ramp_down_mw_per_h", "0.8",
        "keep ramp_mw_per_h",
    ),
    _field(
        "two ways of limits", "direct_in_max_mw: 4.1", "direct_max_mw: 4.1",
        "vpps[0].exchange.direct_max_mw", "must not be given together with direct_out_max_mw", "4.1",
        "keep direct_max_mw or direct_out_max_mw",
    ),
    _field(
        "soc upside down", "soc_min: 0.12", "soc_min: 0.89",
        "vpps[0].ess.soc_min", "soc_min must not be above soc_max", "0.89 above 0.88", "exchange the two",
    ),
    _field(
        "soc starts outside", "soc_initial: 0.4", "soc_initial: 0.05",
        "vpps[0].ess.soc_initial", "soc_initial must be within soc_min and soc_max", "0.05 outside 0.12 to 0.88",
        "start inside the limits",
    ),
    _field(
        "share of load above 1", "share_of_load: 0.11", "share_of_load: 11",
        "vpps[0].cl.share_of_load", "must be a number >= 0 and <= 1", "11", "Most that may be shed",
    ),
    _field(
        "unknown field", "label: All plants", "lable: All plants",
        "vpps[0].lable", "must be a known field", "'lable'", "did you mean label?",
    ),
    _field(
        "unknown section", "network:\n", "netwrok:\n",
        "netwrok", "must be a known field", "'netwrok'", "did you mean network?",
    ),
    _field(
        "missing field", "      p_max_mw: 1.7\n", "",
        "vpps[0].mt.p_max_mw", "required, a number >= 0 and <= 1000000", "nothing", "add it: Highest output [MW]",
        told_at="mt:",
    ),
    _field(
        "number for a section", "    wt: {om_cost_cny_per_mwh: 16}", "    wt: 16",
        "vpps[0].wt", "must be a section of `name: value` lines, or null", "16", "Wind plant",
    ),
    _field(
        "section left empty", "network:\n  delay_s: 0.05", "network:",
        "network", "must be a section of `name: value` lines", "nothing", "or leave it out",
    ),
    _field(
        "title is a number", "title: Everything set", "title: 2024",
        "title", "must be text (What this market is, for readers: one printable line, at most 200 characters)",
        "2024", "put it in quotes",
    ),
    _field(
        "title of two lines", "title: Everything set", 'title: "Every\\nthing"',
        "title", "must be text (What this market is, for readers: one printable line, at most 200 characters)",
        "'Every\\nthing'", "leave it out for the default ''",
    ),
    _field(
        "bad id", "id: South", "id: 4South", "vpps[1].id", f"must be text ({_ID})", "'4South'",
        "write V4South, say, and keep '4South' as its `label`",
    ),
    _field(
        "reserved id", "id: South", "id: System",
        "vpps[1].id", "must not be one of the names the market itself uses (broker, system, watcher)", "'System'",
        "choose another id",
    ),
    _field(
        "duplicate id", "id: South", "id: NORTH",
        "vpps[1].id", "must be an id of its own", "'NORTH', as in vpps[0]", "choose another id",
    ),
    _field(
        "periods as text", "periods: 3", "periods: three",
        "horizon.periods", "must be a whole number >= 1 and <= 35136", "'three'", "without quotes",
    ),
    _field(
        "no length of period", "period_h: 0.5", "period_h: 0",
        "horizon.period_h", "must be a number >= 0.001 and <= 168", "0", "leave it out for the default 1.0",
    ),
    _field(
        "profiles elsewhere", "profiles: [profiles.csv, tariff.csv]", "profiles: ../profiles.csv",
        "profiles[0]", "must be a file name inside the scenario's folder", "'../profiles.csv'",
        "put the file into the scenario's folder",
    ),
    _field(
        "profiles twice", "[profiles.csv, tariff.csv]", "[profiles.csv, tariff.csv, tariff.csv]",
        "profiles", "must name each file only once", "tariff.csv", "remove the repeated name",
    ),
)  # fmt: skip

_OTHER = "0123456789ab" + "c" * 52  # no plant's digest


def _roster(name: str, roster: str, path: str, rule: str, value: str, remedy: str, told_at: str) -> BrokenScenario:
    """The full scenario with a roster, which is broken."""
    return _field(name, "coupling: once\n", f"coupling: once\n{roster}\n", path, rule, value, remedy, told_at)


_PARTS = (
    _roster(
        "roster of nobody", "roster: []",
        "roster", "must be a list that is not empty, or null", "[]", "Every VPP of the market", "roster:",
    ),
    _roster(
        "roster of a number", "roster: [North, South, 3]",
        "roster[2]", "must be a section of `name: value` lines", "3", "Every VPP of the market", "roster:",
    ),
    _roster(
        "bad id in a roster", "roster:\n  - North\n  - South\n  - {id: 3rd}",
        "roster[2].id", "must be text (Id of the VPP)", "'3rd'", "correct it", "  - {id: 3rd}",
    ),
    _roster(
        "reserved id in a roster", "roster:\n  - North\n  - South\n  - broker",
        "roster[2].id", "must not be one of the names the market itself uses (broker, system, watcher)",
        "'broker'", "choose another id", "  - broker",
    ),
    _roster(
        "id twice in a roster", "roster:\n  - North\n  - South\n  - id: NORTH",
        "roster[2].id", "must be an id of its own", "'NORTH', as in roster[0]",
        "choose another id", "  - id: NORTH",
    ),
    _roster(
        "no id in a roster", "roster:\n  - North\n  - South\n  - {}",
        "roster[2].id", "required, text (Id of the VPP)", "nothing", "add it", "  - {}",
    ),
    _roster(
        "unknown field in a roster", "roster:\n  - South\n  - {id: North, digest: 12}",
        "roster[1].digest", "must be a known field", "'digest'", "known here: id, plant_digest", "  - {id: North",
    ),
    _roster(
        "digest that is none", f"roster:\n  - South\n  - {{id: North, plant_digest: {'A' * 64}}}",
        "roster[1].plant_digest",
        "must be text (Fingerprint of its plant, 64 digits of 0-9 and a-f, as `split` writes it; left out: "
        "unknown), or null",
        f"'{'A' * 55}...'", "correct it", "  - {id: North",
    ),
    _roster(
        "plant that the roster does not name", "roster: [North, Suoth]",
        "vpps[1].id", "must be the id of a VPP in the roster", "'South'",
        "did you mean Suoth? there are North, Suoth", "  - id: South",
    ),
    _roster(
        "another plant than the roster's", f"roster: [South, {{id: North, plant_digest: {_OTHER}}}]",
        "vpps[0]", "must be the plant that the roster has by its digest, 0123456789ab…",
        "one of digest 5870da6d0c62…",
        "take this plant back", "  - id: North",
    ),
    _field(
        "unknown audit", "coupling: once", "coupling: once\naudit: all",
        "audit", "must be one of: none, totals, full, or null", "'all'", "What VPPs show", told_at="audit: all",
    ),
    _field(
        "name is a number", "title: Everything set", "title: Everything set\nname: 7",
        "name", "must be text (What the scenario is called: one printable line; left out: as its folder is)", "7",
        "put it in quotes", told_at="name: 7",
    ),
)  # fmt: skip

_DOCUMENTS = (
    _broken(
        "key twice", YAML, "  growth: 0.26\n", "  growth: 0.26\n  growth: 0.27\n",
        (f"{YAML}:29", "must have each key only once", "'growth' again, first on line 28", "keep one of them"),
    ),
    _broken(
        "tag", YAML, "title: Everything", "title: !!python/name:os.system Everything",
        (f"{YAML}:1", "must be plain values without tags", "tag:yaml.org,2002:python/name:os.system",
         "remove the tag"),
    ),
    _broken(
        "bracket left open", YAML, "[grid_buy, mt, wt, pv]", "[grid_buy, mt, wt, pv",
        (f"{YAML}:35", "must be readable YAML", "did not find expected ',' or ']'", "correct the line"),
    ),
    _whole("no scenario.yaml", YAML, None, (YAML, "must be there", "nothing", "create scenario.yaml")),
    _whole("empty file", YAML, " \n", (YAML, "must not be empty", "an empty file", "start from a copy")),
    _whole(
        "only comments", YAML, "# nothing\n",
        (f"{YAML}:1", "must be a mapping of sections", "nothing", "write `name: value` lines"),
    ),
    _whole(
        "a list", YAML, "- horizon\n- vpps\n",
        (f"{YAML}:1", "must be a mapping of sections", "a list", "write `name: value` lines"),
    ),
    _whole(
        "two documents", YAML, "title: a\n---\ntitle: b\n",
        (f"{YAML}:3", "must be a single YAML document", "a second one", "remove the `---` line"),
    ),
    _whole(
        "utf-16", YAML, FULL_FILES[YAML].encode("utf-16"),
        (f"{YAML}:1", "must be UTF-8 text", "byte 0xff at position 0", "save the file with encoding UTF-8"),
    ),
    _whole(
        "deep brackets", YAML, "[" * 100_000,
        (f"{YAML}:1", "must nest at most 16 levels", "more", "close the brackets"),
    ),
    _whole(
        "anchor bomb", YAML,
        "a0: &a0 1\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)),
        (f"{YAML}:8", "must have at most 1,000,000 values", "more (aliases written out)", "use fewer aliases"),
    ),
    _whole(
        "anchor in itself", YAML, "vpps: &a [*a]\n",
        (f"{YAML}:1", "must have the anchor of an alias before it", "*a", "write the value itself"),
    ),
    _whole(
        "list as key", YAML, "[a, b]: 1\n",
        (f"{YAML}:1", "must have plain words as keys", "something else", "write `name: value`"),
    ),
    _whole(
        "no vpps", YAML, "title: nobody\n",
        (f"{YAML}:1 vpps", "required, a list that is not empty", "nothing", "add it: The virtual power plants"),
        (PROFILES, "must have a row for each of the 24 periods of horizon.periods", "3 rows",
         "set horizon.periods"),
    ),
)  # fmt: skip

_TABLES = (
    _whole("no profiles", PROFILES, None, (PROFILES, "must be there", "nothing", "create profiles.csv")),
    _whole("empty profiles", PROFILES, "", (PROFILES, "must not be empty", "an empty file", "start from a copy")),
    _whole(
        "latin-1 profiles", PROFILES, FULL_FILES[PROFILES].encode() + b"\xe9",
        (f"{PROFILES}:5", "must be UTF-8 text", "byte 0xe9 at position 118", "encoding UTF-8"),
    ),
    _whole(
        "semicolons", TARIFF, FULL_FILES[TARIFF].replace(",", ";"),
        (f"{TARIFF}:1", "commas must separate the columns", "'period;retail_cny_per_mwh;feed_in_cny_per_mwh'",
         "save the file with commas"),
    ),
    _broken(
        "quote left open", PROFILES, "2,2.5,", '2,"2.5,',
        (f"{PROFILES}:4", "must be readable CSV", "unexpected end of data", "correct the quotes"),
    ),
    _broken(
        "nan cell", PROFILES, _FIRST_ROW, "1,nan,1.5,0,3.125",
        (f"{PROFILES}:2 column North_load_mw", _CELL, "'nan'", "write a plain number"),
    ),
    _broken(
        "infinite cell", PROFILES, _FIRST_ROW, "1,2.25,1.5,inf,3.125",
        (f"{PROFILES}:2 column North_pv_mw", _CELL, "'inf'", "write a plain number"),
    ),
    _broken(
        "overflowing cell", PROFILES, _FIRST_ROW, "1,2.25,1.5,1e999,3.125",
        (f"{PROFILES}:2 column North_pv_mw", _CELL, "'1e999'", "check the sign and the unit"),
    ),
    _broken(
        "empty cell", PROFILES, _FIRST_ROW, "1,2.25,,0,3.125",
        (f"{PROFILES}:2 column North_wt_mw", _CELL, "an empty cell", "write 0 where there is nothing"),
    ),
    _broken(
        "word in a cell", PROFILES, _FIRST_ROW, "1,2.25,none,0,3.125",
        (f"{PROFILES}:2 column North_wt_mw", _CELL, "'none'", "write a plain number"),
    ),
    _broken(
        "python number", PROFILES, _FIRST_ROW, "1,2.25,1_5,0,3.125",
        (f"{PROFILES}:2 column North_wt_mw", _CELL, "'1_5'", "write a plain number"),
    ),
    _broken(
        "decimal comma", PROFILES, _FIRST_ROW, '1,2.25,"1,5",0,3.125',
        (f"{PROFILES}:2 column North_wt_mw", _CELL, "'1,5'", "write a point as the decimal mark"),
    ),
    _broken(
        "negative load", PROFILES, _FIRST_ROW, "1,2.25,1.5,0,-3.125",
        (f"{PROFILES}:2 column South_load_mw", _CELL, "'-3.125'", "check the sign"),
    ),
    _broken(
        "huge tariff", TARIFF, "2,750,-20", "2,7.5e8,-20",
        (f"{TARIFF}:3 column retail_cny_per_mwh", "must be a number from -1000000 to 1000000 CNY/MWh", "'7.5e8'",
         "check the sign and the unit"),
    ),
    _broken(
        "cell missing", PROFILES, _FIRST_ROW, "1,2.25,1.5,0",
        (f"{PROFILES}:2", "must have 5 cells, like the header", "4 cells", "complete the row"),
    ),
    _broken(
        "row missing", TARIFF, "3,1200,480\n", "",
        (TARIFF, "must have a row for each of the 3 periods of horizon.periods", "2 rows",
         "give 3 rows below the header, or set horizon.periods in scenario.yaml to 2"),
    ),
    _broken(
        "files of different length", PROFILES, ".75,2.875\n", ".75,2.875\n4,1,1,1,1\n",
        (PROFILES, "must have a row for each of the 3 periods of horizon.periods", "4 rows",
         "set horizon.periods in scenario.yaml to 4"),
    ),
    _broken(
        "period twice", TARIFF, "2,750,-20", "1,750,-20",
        (f"{TARIFF}:3 column period", "must be 2 in this row", "'1'", "in the order of time"),
    ),
    _broken(
        "no period column", TARIFF, "period,retail_cny_per_mwh", "hour,retail_cny_per_mwh",
        (f"{TARIFF}:1", "must have a column period", "none", "add a column period"),
        (f"{TARIFF}:1 column hour", _COLUMN, "'hour'", "remove the column"),
    ),
    _broken(
        "missing column", PROFILES, "North_pv_mw", "North_solar_mw",
        (f"{PROFILES}:1 column North_solar_mw", _COLUMN, "'North_solar_mw'", "did you mean North_pv_mw?"),
        (f"{PROFILES} or {TARIFF} column North_pv_mw", "required column", "nothing", "take `pv` out"),
    ),
    _broken(
        "asset without a section", YAML, "    pv: {om_cost_cny_per_mwh: 13}\n", "",
        (f"{PROFILES}:1 column North_pv_mw", _COLUMN, "'North_pv_mw'", "add `pv: {}` to North"),
    ),
    _broken(
        "vpp that is not there", YAML, "  - id: South\n", "",
        (f"{PROFILES}:1 column South_load_mw", _COLUMN, "'South_load_mw'", "add a VPP 'South' to scenario.yaml"),
    ),
    _broken(
        "column twice", PROFILES, "North_pv_mw,South", "North_pv_mw,North_pv_mw,South",
        (f"{PROFILES}:2", "must have 6 cells, like the header", "5 cells", "complete the row"),
        (f"{PROFILES}:3", "must have 6 cells, like the header", "5 cells", "complete the row"),
        (f"{PROFILES}:4", "must have 6 cells, like the header", "5 cells", "complete the row"),
        (f"{PROFILES}:1 column North_pv_mw", "must be given only once",
         "'North_pv_mw' again, already in profiles.csv", "remove one of them"),
    ),
    _whole(
        "column in two files", TARIFF,
        "period,retail_cny_per_mwh,feed_in_cny_per_mwh,South_load_mw\n1,4,3,2\n2,4,3,2\n3,4,3,2\n",
        (f"{TARIFF}:1 column South_load_mw", "must be given only once",
         "'South_load_mw' again, already in profiles.csv", "remove one of them"),
    ),
)  # fmt: skip

BROKEN: tuple[BrokenScenario, ...] = (*_FIELDS, *_PARTS, *_DOCUMENTS, *_TABLES)
