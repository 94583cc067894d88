"""Tables by name that are made, or worked out again, when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from market.app.results.records import Records


class LaterTables(Mapping[str, Records]):
    """Tables by name. makers : what makes each of them"""

    def __init__(self, makers: Mapping[str, Callable[[], Records]]) -> None:
        self._makers = dict(makers)
        self._made: dict[str, Records] = {}

    def __getitem__(self, name: str) -> Records:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)
