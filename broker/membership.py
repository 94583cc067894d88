"""Owns who takes part: admission, routes, liveness. Knows nothing of what the members negotiate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broker.actions import Action, Answer
from broker.bus.addresses import port_of
from broker.bus.broker_end import Endpoints
from broker.wire.messages import Hello, Refused, Welcome
from market.errors import ProtocolError, RunError


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the broker waits, in real seconds: for all to join, and for a sign of life of a member."""

    join_s: float = 30.0
    silence_s: float = 10.0


@dataclass(slots=True)
class Member:
    """A VPP that has joined."""

    route: bytes
    process_id: int
    heard_at: float
    ready: bool = False


class Membership:
    """Everybody expected, and who of them is here."""

    def __init__(
        self, expected: Sequence[str], public_digest: str, endpoints: Endpoints, patience: Patience, now: float
    ) -> None:
        self.expected = tuple(expected)
        self.members: dict[str, Member] = {}
        self._digest = public_digest
        self._welcome = Welcome(port_of(endpoints.inward), port_of(endpoints.outward))
        self._patience = patience
        self._since = now

    @property
    def complete(self) -> bool:
        """Whether everybody expected has joined and proved its data plane open."""
        return len(self.members) == len(self.expected) and all(m.ready for m in self.members.values())

    def missing(self) -> tuple[str, ...]:
        """Who is not here yet, or not ready."""
        return tuple(v for v in self.expected if v not in self.members or not self.members[v].ready)

    def hello(self, vpp: str, route: bytes, hello: Hello, now: float) -> list[Action]:
        """A node asks to join: a welcome, or a refusal that says why."""
        reason = self._objection(vpp, route, hello)
        if reason:
            return [Answer(route, Refused(reason))]
        self.members.setdefault(vpp, Member(route, hello.process_id, now))
        return [Answer(route, self._welcome)]

    def _objection(self, vpp: str, route: bytes, hello: Hello) -> str:
        if vpp not in self.expected:
            return f"this market has no VPP {vpp!r}; it has {', '.join(self.expected)}"
        if hello.public_digest != self._digest:
            return "horizon, tariff, market or carbon rules differ from the broker's; use the same scenario"
        if vpp in self.members and self.members[vpp].route != route:
            return f"{vpp} has joined already (process {self.members[vpp].process_id}); stop that node first"
        return ""

    def ready(self, vpp: str, route: bytes) -> None:
        """A member's data plane is open."""
        self.member(vpp, route).ready = True

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

    def check(self, now: float) -> None:
        """RunError when somebody has not come, or has gone silent, for too long."""
        if not self.complete and now - self._since > self._patience.join_s:
            raise RunError(
                f"waited {self._patience.join_s:g} s for {', '.join(self.missing())} to join, in vain; "
                "start these nodes, or look at what they printed"
            )
        for vpp, member in self.members.items():
            if now - member.heard_at > self._patience.silence_s:
                raise RunError(
                    f"{vpp} (process {member.process_id}) has given no sign of life for "
                    f"{now - member.heard_at:.0f} s; is its machine or its network down?"
                )
