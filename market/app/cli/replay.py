"""The command `replay`: a run folder in; a page or one JSON object, and an exit code, out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, isnan
from pathlib import Path
from typing import Any

from broker.tape import Shared, TapeSoFar
from broker.wire.messages import BROKER
from market.app.cli.console import echo, echo_error, put_json
from market.app.replay.decision import Agreement, Decision, Difference
from market.app.replay.files_check import against_digests
from market.app.replay.manifest_check import against_manifest
from market.app.replay.tables_check import against_tables
from market.app.replay.tally import Tally, replayed
from market.app.replay.unchecked import unchecked
from market.app.report.replay_page import replay_text
from market.app.results.days_folder import need_one_day
from market.app.results.exit_codes import ExitCode
from market.app.results.kept_scenario import SCENARIO_FOLDER, kept_scenario, unlike
from market.app.results.known_plants import known_plants
from market.app.results.manifest_shape import is_aborted, read_manifest
from market.app.results.run_tape import tape_of_run, unreadable
from market.app.results.telling import Telling, telling_of
from market.app.runs.run_day import json_text
from market.errors import Fault, ScenarioError, TapeError
from market.model.public import PublicScenario
from market.model.vpp import Vpp
from market.scenario import load_scenario
from market.scenario.scenario import Scenario

_PUT_BACK = "put the run's own manifest back, or replay its tape alone, in a folder of its own"


def replay_command(run: Path, until_s: float | None, *, as_json: bool, plants: str | None = None) -> int:
    """Replay a run's tape and say what came of it. ScenarioError if tape or manifest cannot be read.

    plants : the scenario that holds the plants, where the run's folder does not or may not be asked
    """
    try:
        _check_moment(until_s)
        need_one_day(run)
        tape = tape_of_run(run, str(run), "name the folder of a run with messages")
        try:
            tally = _tally(run, tape, until_s, plants)
        except TapeError as error:
            raise unreadable(str(run), error) from None
    except ScenarioError as error:
        if as_json:
            put_json(json_text({"exit_code": int(ExitCode.BAD_INPUT), "error": str(error)}))
        raise
    code = ExitCode.BROKEN if tally.differing else ExitCode.EQUILIBRIUM
    shared = _shared(tape)
    told = Telling() if shared is None else telling_of(shared)
    if as_json:
        put_json(json_text(told.document(document(run, tally, tape.torn_bytes, code))))
    else:
        echo(told.text(replay_text(str(run), tally, tape.torn_bytes)), styled=True)
    if tally.differing:
        count = len(tally.differing)
        told_off = "one difference" if count == 1 else f"{count} differences"
        echo_error(f"error: {run}: {told_off} from what is computed here; they are listed above")
    return code


def _check_moment(until_s: float | None) -> None:
    if until_s is not None and isnan(until_s):
        raise ScenarioError([Fault("must be a number of seconds", "nan", "--until", "give one, such as 0.5")])


@dataclass(frozen=True, slots=True)
class _Beside:
    """What is known beside a tape. plants : by id · kept : the scenario in the run's folder · unlike : what in it

    is not the run's
    """

    plants: Mapping[str, Vpp]
    kept: Scenario | None
    unlike: list[str]

    @property
    def as_run(self) -> Scenario | None:
        """The scenario as it was run, where the folder keeps it."""
        return None if self.unlike else self.kept

    @property
    def run_knew(self) -> tuple[Vpp, ...] | None:
        """The plants that the run knew, where its folder tells."""
        return None if self.as_run is None else self.as_run.vpps


def _tally(run: Path, tape: TapeSoFar, until_s: float | None, named: str | None) -> Tally:
    """Everything that is held against something else: the tape's decisions, its manifest, its scenario's copy."""
    manifest, beside = read_manifest(run, _PUT_BACK), _beside(run, tape, named)
    tally = replayed(tape.records, until_s, beside.plants)
    tally.add(_kept(beside))
    if manifest is not None:
        tally.add([against_manifest(run, tape.records, manifest, beside.run_knew, tally)])
        tally.add(against_digests(run, manifest))
        tally.add(against_tables(run, tape.records, tally, beside.as_run) if not is_aborted(manifest) else ())
    else:
        tally.unchecked += [f"{name}: not checked, no manifest" for name in unchecked(tape.records)]
    if manifest is not None and beside.run_knew is None:
        tally.unchecked.append("laws that depend on plants: not checked, not the run's scenario beside it")
    return tally


def _kept(beside: _Beside) -> Iterator[Decision]:
    """Whether the scenario in the run's folder is the one that was run."""
    if beside.kept is not None:
        agreement = Agreement.DIFFERENT if beside.unlike else Agreement.SAME
        found = tuple(Difference(f"{SCENARIO_FOLDER}/", what, "the run's own") for what in beside.unlike)
        yield Decision(0.0, 0, BROKER, "scenario", agreement, "the copy in the run's folder", found)


def _shared(tape: TapeSoFar) -> PublicScenario | None:
    """What everybody may know of the market, where the tape has come so far."""
    return next((record.scenario for record in tape.records[:2] if isinstance(record, Shared)), None)


def _beside(run: Path, tape: TapeSoFar, named: str | None) -> _Beside:
    """The plants of the scenario that is named, else of the one that the run's folder keeps, if it is the run's.

    ScenarioError where a plant that is named is not the run's.
    """
    shared = _shared(tape)
    if shared is None:
        return _Beside({}, None, [])
    try:
        kept = kept_scenario(run)
    except ScenarioError:
        if not named:
            raise
        kept = None  # it is not asked
    others = unlike(kept, shared) if kept else []
    if named:
        return _Beside(_named_plants(shared, named), kept, others)
    known = () if others else known_plants(shared, kept)
    return _Beside({vpp.id: vpp for vpp in known}, kept, others)


def _named_plants(shared: PublicScenario, named: str) -> Mapping[str, Vpp]:
    beside = load_scenario(named)
    known = {vpp.id: vpp for vpp in known_plants(shared, beside)}
    rule, remedy = "a plant must be the one that took part", "name the scenario as it was run"
    others = [vpp.id for vpp in beside.vpps if vpp.id in shared.roster and vpp.id not in known]
    faults = [Fault(rule, f"another plant of {vpp}", f"--plants {named}", remedy) for vpp in others]
    if not known and not faults:
        who = ", ".join(vpp.id for vpp in beside.vpps) or "no plant"
        faults = [Fault("it must hold plants of this run", who, f"--plants {named}", remedy)]
    if faults:
        raise ScenarioError(faults)
    return known


def document(run: Path, tally: Tally, torn_bytes: int, code: ExitCode) -> dict[str, Any]:
    """What `--json` prints."""
    rows: dict[tuple[str, str], dict[str, int]] = {}
    for (who, what, agreement), count in sorted(tally.counts.items()):
        rows.setdefault((who, what), {kind.name.lower(): 0 for kind in Agreement})[agreement.name.lower()] = count
    return {
        "exit_code": int(code),
        "folder": str(run),
        "complete": tally.complete,
        "torn_bytes": torn_bytes,
        **{agreement.name.lower(): tally.number(agreement) for agreement in Agreement},
        "unknown": tally.unknown,
        "unchecked": tally.unchecked,
        "largest_difference": tally.largest_difference,
        "decisions": [{"who": who, "what": what, **counts} for (who, what), counts in rows.items()],
        "differences": [_differing(decision) for decision in tally.differing],
        "stood": tally.stood,
    }


def _differing(decision: Decision) -> dict[str, Any]:
    return {
        "time_s": decision.time_s,
        "epoch": decision.epoch,
        "who": decision.who,
        "what": decision.what,
        "detail": decision.detail,
        "values": [
            {"place": d.place, "recorded": _json(d.recorded), "computed": _json(d.computed)}
            for d in decision.differences
        ],
    }


def _json(value: Any) -> Any:
    return value if type(value) is not float or isfinite(value) else str(value)
