"""A market on loopback with a proxy between its nodes and its broker: the nodes know only the proxy."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from scripts.bench.started_market import Ground, Setup, StartedMarket, three_free_ports
from scripts.bench.tcp_proxy import BACK, FRONT, TcpProxy


class ProxiedMarket(StartedMarket):
    """The broker listens at one address, the proxy at another with the same ports."""

    def __init__(self, setup: Setup, folder: Path, *, keep: bool = False) -> None:
        super().__init__(setup, folder, Ground(BACK, FRONT), three_free_ports((FRONT, BACK)))
        self.proxy = TcpProxy(self.port, keep=keep)

    def __enter__(self) -> Self:
        self.proxy.__enter__()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, value, trace)
        self.proxy.close()
