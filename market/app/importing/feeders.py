"""Parts a network at its substation: what hangs on each feeder, and groups of as many plants as are wanted.

Pure: a graph in, lists of nodes out; the same for any network, whoever describes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

Node: TypeAlias = int
Graph: TypeAlias = Mapping[Node, Collection[Node]]
"""By node its neighbours, over what is closed and in service."""


def feeders(graph: Graph, station: Collection[Node]) -> list[list[Node]]:
    """What hangs together once the substation's own nodes are taken out, each from the substation outwards.

    What is not connected to the substation is in none of them.

    >>> feeders({0: [1, 3], 1: [0, 2], 2: [1], 3: [0], 4: []}, [0])
    [[1, 2], [3]]
    """
    inside = set(station)
    seen = set(inside)
    roots = sorted({near for node in inside for near in graph.get(node, ())} - inside)
    return [_outwards(graph, root, inside, seen) for root in roots if root not in seen]


def _outwards(graph: Graph, root: Node, station: set[Node], seen: set[Node]) -> list[Node]:
    """The nodes of a feeder by their distance from the substation, in the order of their numbers."""
    first = sorted(_reached(graph, root, station) & {near for node in station for near in graph.get(node, ())})
    order, queue = [], deque(first)
    seen.update(first)
    while queue:
        node = queue.popleft()
        order.append(node)
        for near in sorted(graph[node]):
            if near not in seen:
                seen.add(near)
                queue.append(near)
    return order


def _reached(graph: Graph, root: Node, station: set[Node]) -> set[Node]:
    found, queue = {root}, [root]
    while queue:
        new = [near for near in graph[queue.pop()] if near not in found and near not in station]
        found.update(new)
        queue += new
    return found


def grouped(lines: Iterable[Sequence[Node]], weights: Mapping[Node, int], count: int) -> list[list[Node]]:
    """As many groups as are wanted: the lightest feeders put together, or the heaviest cut in two along the line.

    weights : how much hangs on each node; feeders with nothing are left out
    Fewer groups come back where no more can be made.

    >>> grouped([[1, 2, 3], [4], [5]], {1: 1, 2: 1, 3: 2, 4: 1, 5: 1}, 2)
    [[1, 2, 3], [4, 5]]
    >>> grouped([[1, 2, 3]], {1: 1, 2: 1, 3: 2}, 2)
    [[1, 2], [3]]
    """
    groups = [list(line) for line in lines if _weight(line, weights)]
    while len(groups) > count:
        light = sorted(range(len(groups)), key=lambda at: (_weight(groups[at], weights), at))[:2]
        first, second = sorted(light)
        groups[first] += groups.pop(second)
    while len(groups) < count:
        heavy = [at for at in range(len(groups)) if _occupied(groups[at], weights) > 1]
        if not heavy:
            break
        at = max(heavy, key=lambda place: (_weight(groups[place], weights), -place))
        groups[at : at + 1] = _halves(groups[at], weights)
    return groups


def _weight(nodes: Iterable[Node], weights: Mapping[Node, int]) -> int:
    return sum(weights.get(node, 0) for node in nodes)


def _occupied(nodes: Iterable[Node], weights: Mapping[Node, int]) -> int:
    return sum(weights.get(node, 0) > 0 for node in nodes)


def _halves(nodes: Sequence[Node], weights: Mapping[Node, int]) -> list[list[Node]]:
    """Cut where the two weigh most alike; each has something."""
    cuts = [at for at in range(1, len(nodes)) if _weight(nodes[:at], weights) and _weight(nodes[at:], weights)]
    cut = min(cuts, key=lambda at: abs(_weight(nodes[:at], weights) - _weight(nodes[at:], weights)))
    return [list(nodes[:cut]), list(nodes[cut:])]
