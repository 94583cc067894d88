"""A proxy between a market's nodes and its broker, on loopback, that breaks what it carries.

It listens at a market's three ports on one address and connects to the same ports on another. Connections can be
reset, all or one, now or when a kind of message passes; stalled, for a time or at random, as loss of packets under
TCP does; swallowed, as if the other end had vanished without a word; accepted and closed, as a forwarder does
whose other end is gone; or refused. It runs in a thread of its own.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from random import Random
from types import TracebackType
from typing import TypeVar

FRONT, BACK = "127.0.0.1", "127.0.0.2"
CHUNK_BYTES = 65_536
_RESET = struct.pack("ii", 1, 0)  # close with a reset, and throw away what has not been sent
_START_S = 10.0

T = TypeVar("T")


class Plane(IntEnum):
    """Which of the three ports; the value is its distance from the first."""

    CONTROL = 0
    INWARD = 1  # what nodes publish
    OUTWARD = 2  # what nodes hear


ALL = tuple(Plane)


class Mood(IntEnum):
    """What becomes of a new connection."""

    CARRIED = 0
    CLOSED = 1  # accepted, and closed at once
    SWALLOWED = 2  # accepted, and nothing passes
    REFUSED = 3  # nobody listens


@dataclass(slots=True)
class Trap:
    """Resets the connection on which a kind of message passes, so that this message is lost; once.

    skip : how many of the kind may pass before · when : asked each time one passes, before those are counted
    hit_at : when it sprang, by the monotonic clock
    """

    kind: str
    planes: tuple[Plane, ...] = ALL
    skip: int = 0
    when: Callable[[], bool] = lambda: True
    all_connections: bool = False
    hit_at: float | None = None

    def springs(self, plane: Plane, before: bytes, piece: bytes) -> bool:
        """Whether this is the moment; `before`: what came in the same stream ahead of the piece."""
        mark = bytes([0xA0 + len(self.kind)]) + self.kind.encode()  # as it is on the wire, and nothing else is
        if self.hit_at is not None or plane not in self.planes or mark not in before[-len(mark) + 1 :] + piece:
            return False
        if not self.when():
            return False
        self.skip -= 1
        if self.skip >= 0:
            return False
        self.hit_at = time.monotonic()
        return True


@dataclass(frozen=True, slots=True)
class Stutter:
    """At random a piece of the stream is held back, and everything behind it, as when a packet is sent again."""

    share: float = 0.2
    shortest_s: float = 0.2
    longest_s: float = 3.0
    seed: int = 0


@dataclass(eq=False, slots=True)
class Link:
    """One connection from a node, and ours to the broker for it."""

    plane: Plane
    number: int
    ends: tuple[asyncio.StreamWriter, ...]
    swallowed: bool

    def reset(self) -> None:
        """Reset both connections at once."""
        for end in self.ends:
            with suppress(OSError):
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            end.transport.abort()


class TcpProxy:
    """A proxy at work, as a context manager. What is asked of it holds from the return of the call.

    heard : everything that has passed, in its order, if it was told to keep that
    """

    def __init__(self, port: int, front: str = FRONT, back: str = BACK, *, keep: bool = False) -> None:
        self.port = port
        self.connections = 0
        self.heard: list[bytes] = []
        self._keep = keep
        self._front, self._back = front, back
        self._links: set[Link] = set()
        self._traps: list[Trap] = []
        self._moods: dict[Plane, Mood] = dict.fromkeys(ALL, Mood.CARRIED)
        self._stalled_until: dict[Plane, float] = dict.fromkeys(ALL, 0.0)
        self._stutter: Stutter | None = None
        self._random = Random()
        self._servers: dict[Plane, asyncio.Server] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="proxy", daemon=True)

    def __enter__(self) -> TcpProxy:
        self._thread.start()
        try:
            self._do(self._listen(ALL))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Reset everything and end."""
        with suppress(TimeoutError):
            self._do(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_S)
        self._loop.close()

    # --- what can be done to what it carries ---

    def reset(self, planes: Sequence[Plane] = ALL, most: int | None = None) -> int:
        """Reset the connections of these planes, or some of them drawn at random; how many there were."""
        return self._do(self._reset(planes, most))

    def set(self, trap: Trap) -> Trap:
        """From now on wait for a kind of message to pass."""
        self._do(self._later(lambda: self._traps.append(trap)))
        return trap

    def stall(self, seconds: float, planes: Sequence[Plane] = ALL) -> None:
        """Nothing passes for so long; nothing is lost either."""
        until = time.monotonic() + seconds
        self._do(self._later(lambda: self._stalled_until.update(dict.fromkeys(planes, until))))

    def stutter(self, how: Stutter | None) -> None:
        """From now on hold pieces back at random, or no more."""

        def set_stutter() -> None:
            self._stutter, self._random = how, Random(how.seed if how else 0)

        self._do(self._later(set_stutter))

    def swallow(self, planes: Sequence[Plane] = ALL, most: int | None = None, *, new: bool = False) -> int:
        """Nothing passes any more on the connections of these planes, which stay open; `new`: on new ones too.

        What was swallowed cannot be carried again: such a connection ends by its ends' own doing, or by `reset`.
        """
        return self._do(self._swallow(planes, most, new))

    def close_at_once(self, planes: Sequence[Plane] = ALL) -> None:
        """Close all connections, and new ones as soon as they are accepted."""
        self._do(self._change(planes, Mood.CLOSED))

    def go_down(self, planes: Sequence[Plane] = ALL) -> None:
        """Reset all connections and listen no more."""
        self._do(self._change(planes, Mood.REFUSED))

    def heal(self, planes: Sequence[Plane] = ALL) -> None:
        """Carry new connections again, and those that were not swallowed."""
        self._do(self._heal(planes))

    # --- in the loop's thread ---

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _do(self, what: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(_START_S)

    async def _later(self, act: Callable[[], T]) -> T:
        return act()

    async def _listen(self, planes: Iterable[Plane]) -> None:
        for plane in planes:
            if plane not in self._servers:
                accept = partial(self._accept, plane)
                self._servers[plane] = await asyncio.start_server(accept, self._front, self.port + plane)

    async def _deafen(self, planes: Iterable[Plane]) -> None:
        for plane in planes:
            if plane in self._servers:
                self._servers.pop(plane).close()

    async def _shut(self) -> None:
        await self._deafen(ALL)
        await self._reset(ALL, None)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _chosen(self, planes: Sequence[Plane], most: int | None) -> list[Link]:
        links = sorted((link for link in self._links if link.plane in planes), key=lambda link: link.number)
        return links if most is None else self._random.sample(links, min(most, len(links)))

    async def _reset(self, planes: Sequence[Plane], most: int | None) -> int:
        chosen = self._chosen(planes, most)
        for link in chosen:
            link.reset()
        return len(chosen)

    async def _swallow(self, planes: Sequence[Plane], most: int | None, new: bool) -> int:
        chosen = self._chosen(planes, most)
        for link in chosen:
            link.swallowed = True
        if new:
            self._moods.update(dict.fromkeys(planes, Mood.SWALLOWED))
        return len(chosen)

    async def _change(self, planes: Sequence[Plane], mood: Mood) -> None:
        self._moods.update(dict.fromkeys(planes, mood))
        if mood is Mood.REFUSED:
            await self._deafen(planes)
        await self._reset(planes, None)

    async def _heal(self, planes: Sequence[Plane]) -> None:
        self._moods.update(dict.fromkeys(planes, Mood.CARRIED))
        await self._listen(planes)

    # --- one connection ---

    async def _accept(self, plane: Plane, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._carry(plane, reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _carry(self, plane: Plane, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either end is closed."""
        if self._moods[plane] in (Mood.CLOSED, Mood.REFUSED):
            return
        up, down = await asyncio.open_connection(self._back, self.port + plane)
        self.connections += 1
        link = Link(plane, self.connections, (writer, down), self._moods[plane] is Mood.SWALLOWED)
        self._links.add(link)
        try:
            pumps = [asyncio.create_task(self._pump(link, *ends)) for ends in ((reader, down), (up, writer))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            self._links.discard(link)
            down.transport.abort()

    async def _pump(self, link: Link, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Carry one direction."""
        before = b""
        with suppress(OSError):
            while piece := await source.read(CHUNK_BYTES):
                if self._springs(link, before, piece):
                    return
                before = piece
                if self._keep:
                    self.heard.append(piece)
                await self._hold_back(link.plane)
                if not link.swallowed:
                    sink.write(piece)
                    await sink.drain()

    async def _hold_back(self, plane: Plane) -> None:
        stutter = self._stutter
        if stutter is not None and self._random.random() < stutter.share:
            await asyncio.sleep(self._random.uniform(stutter.shortest_s, stutter.longest_s))
        while (left_s := self._stalled_until[plane] - time.monotonic()) > 0.0:
            await asyncio.sleep(left_s)

    def _springs(self, link: Link, before: bytes, piece: bytes) -> bool:
        """Whether a trap springs: the connection is reset, and what was on it is lost."""
        for trap in self._traps:
            if trap.springs(link.plane, before, piece):
                for caught in [*self._links] if trap.all_connections else [link]:
                    caught.reset()
                return True
        return False
