"""Membership of a run: admission, routes, liveness, absence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from broker.bus.addresses import port_of
from broker.bus.broker_end import Endpoints
from broker.protocol.actions import Action, Notice, Reply, Send
from broker.wire.messages import Beat, Hello, Refused, Welcome
from market.errors import ProtocolError, RunError
from market.model.public import PublicScenario
from market.visible import some_of


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long the broker waits, in real seconds; there is no other limit.

    join_s : for all to join · silence_s : for a sign of life, of one that is taking leave too
    wait_s : for one that was lost · answer_s : for the answer to an order, of one that gives signs of life
    """

    join_s: float = 30.0
    silence_s: float = 10.0
    wait_s: float = 60.0
    answer_s: float = 300.0


@dataclass(slots=True)
class Member:
    """A VPP that has joined."""

    route: bytes
    process_id: int
    heard_at: float
    ready: bool = False


@dataclass(frozen=True, slots=True)
class Absence:
    """A VPP that was here and is not: since when, and how it was lost."""

    since: float
    how: str


class Presence(StrEnum):
    """What somebody is who has proved its data plane open."""

    NEW = "new"  # here for the first time
    BACK = "back"  # was lost, and is here again
    KNOWN = "known"  # has said so before


class Membership:
    """Everybody expected, who of them is here, and who was lost.

    waiting : the route of the last one who asked for a VPP's place while another had it
    """

    def __init__(
        self, shared: PublicScenario, session: int, endpoints: Endpoints, patience: Timeouts, now: float
    ) -> None:
        self.expected = shared.roster
        self.members: dict[str, Member] = {}
        self.absent: dict[str, Absence] = {}
        self.waiting: dict[str, bytes] = {}
        self._shared = shared
        self._plants = shared.digest_by_vpp
        self._welcome = Welcome(session, port_of(endpoints.inward), port_of(endpoints.outward))
        self._patience = patience
        self._since = now
        self._banned: dict[str, str] = {}

    @property
    def complete(self) -> bool:
        """Whether everybody expected is here and has proved its data plane open."""
        return len(self.members) >= len(self.expected) and not self.missing()

    def missing(self) -> tuple[str, ...]:
        """Who is not here, or not ready."""
        return tuple(v for v in self.expected if v not in self.members or not self.members[v].ready)

    def here(self) -> tuple[str, ...]:
        """Who is here and ready, in the order of the scenario."""
        return tuple(v for v in self.expected if v in self.members and self.members[v].ready)

    # --- coming ---

    def hello(self, vpp: str, route: bytes, hello: Hello, now: float) -> list[Action]:
        """A node asks to join, or whether it still has its place: a welcome, a sign of life, or a refusal."""
        reason = self._objection(vpp, hello)
        if reason:
            return [
                Reply(route, Refused(reason, later=False)),
                Notice(f"refused: {vpp!r:.40}: {reason}", once=True),
            ]
        member = self.members.get(vpp)
        if member is not None and member.route == route:
            member.heard_at = now
            return [Reply(route, Beat((), 0) if member.ready else self._welcome)]
        if member is not None:
            taken = f"{vpp} has joined already (process {member.process_id}); stop that node first"
            self.waiting[vpp] = route
            return [Reply(route, Refused(taken, later=True))]
        self.members[vpp] = Member(route, hello.process_id, now)
        if self.waiting.get(vpp) == route:
            del self.waiting[vpp]
        return [Reply(route, self._welcome)]

    def _objection(self, vpp: str, hello: Hello) -> str:
        """Why a node may not take part at all; empty if nothing stands in its way."""
        mine, theirs = self._shared, f"the scenario {hello.scenario!r:.60}"
        if vpp not in self.expected:
            return f"this market, {mine.name!r}, has no VPP {vpp!r:.40}; it has {', '.join(self.expected)}"
        if hello.public_digest != mine.public.digest:
            return (
                f"horizon, tariff, market or carbon rules in {theirs} are not those of this market, "
                f"{mine.name!r}; start the node on the broker's scenario"
            )
        if self._plants[vpp] and hello.plant_digest != self._plants[vpp]:
            return (
                f"the plant of {vpp} in {theirs} is not the one that this market, {mine.name!r}, was made for; "
                "start the node on the broker's scenario, the plant's strategy as there, or start the broker on a "
                "part that knows no plants: vppmarket split --undisclosed"
            )
        return self._banned.get(vpp, "")

    def ban(self, vpp: str, why: str) -> None:
        """Do not let a VPP in again."""
        self._banned[vpp] = why

    def disclosed(self, vpp: str) -> bool:
        """Whether the market knows which plant its VPP must have."""
        return bool(self._plants[vpp])

    def welcomes(self) -> list[Action]:
        """What is to be said again to members that have not proved their data plane open."""
        return [Send(vpp, self._welcome) for vpp, member in self.members.items() if not member.ready]

    def ready(self, vpp: str, route: bytes, session: int) -> Presence:
        """A member's data plane is open; what that makes of it."""
        member = self.member(vpp, route)
        if member.ready or session != self._welcome.session:
            return Presence.KNOWN
        member.ready = True
        return Presence.NEW if self.absent.pop(vpp, None) is None else Presence.BACK

    # --- being here ---

    def member(self, vpp: str, route: bytes) -> Member:
        """The member speaking on its own route; ProtocolError for anybody else."""
        member = self.members.get(vpp)
        if member is None:
            raise ProtocolError("not_a_member", f"{vpp!r:.40} has not joined")
        if member.route != route:
            raise ProtocolError("wrong_route", f"{vpp} speaks from another connection than it joined on")
        return member

    def heard(self, vpp: str, now: float) -> None:
        """A sign of life; ProtocolError from somebody who is not a member."""
        if vpp not in self.members:
            raise ProtocolError("not_a_member", f"{vpp!r:.40} has not joined")
        self.members[vpp].heard_at = now

    # --- going ---

    def silent(self, now: float) -> dict[str, str]:
        """The members that have given no sign of life for too long, and what there is to say of each."""
        return {
            vpp: f"node (process {member.process_id}) has given no sign of life for "
            f"{now - member.heard_at:.0f} s; is its machine or its network down?"
            for vpp, member in self.members.items()
            if now - member.heard_at > self._patience.silence_s
        }

    def free(self, vpp: str) -> None:
        """A place is free, whoever has it: one that came back half, or the last words of one that has died."""
        self.members.pop(vpp, None)

    def lose(self, vpp: str, how: str, now: float) -> None:
        """A VPP is gone; its place is free."""
        self.free(vpp)
        self.absent[vpp] = Absence(now, how)

    def check_joining(self, now: float) -> None:
        """RunError when somebody has not come for too long."""
        if not self.complete and now - self._since > self._patience.join_s:
            raise RunError(
                f"waited {self._patience.join_s:g} s for {some_of(self.missing())} to join, in vain; "
                "start these nodes, or look at what they printed"
            )

    def given_up(self, now: float) -> dict[str, str]:
        """Who was lost and has not come back for too long, and what there is to say of each."""
        wait_s = self._patience.wait_s
        return {
            vpp: f"{vpp} {absence.how}; waited {wait_s:g} s for it to come back, in vain"
            for vpp, absence in self.absent.items()
            if now - absence.since > wait_s
        }
