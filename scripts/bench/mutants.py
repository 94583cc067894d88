"""Seeds faults into a copy of a checkout, one at a time, and counts how many its tests notice.

A fault is one small change of one expression: a comparison turned, plus for minus, min for max, a condition
denied. Which expressions is drawn from the seed, evenly over the rooms given. Run it as
`python scripts/bench/mutants.py CHECKOUT --rooms market/game broker --count 40 --tests tests/market tests/broker`
with the Python of an environment that has the checkout's dependencies; the checkout itself is not touched. Faults
that change nothing that can be observed count as not noticed, so the figure is for comparing two checkouts.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LIMIT_S = 400.0
TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
SWAPPED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
OTHER_NAME = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: the file, the line, the expression as it was and as it is now, and the file's new text."""

    path: Path
    line: int
    before: str
    after: str
    text: str


def mutants(checkout: Path, rooms: Sequence[str], count: int, seed: int) -> Iterator[Mutant]:
    """Faults in turn over the rooms; in a room each file is as likely as it has places."""
    draw = random.Random(seed)
    places = {room: list(_places(checkout, room)) for room in rooms}
    for number in range(count):
        room = rooms[number % len(rooms)]
        path, at = places[room].pop(draw.randrange(len(places[room])))
        yield _mutant(checkout, path, at)


def _places(checkout: Path, room: str) -> Iterator[tuple[Path, int]]:
    where = checkout / room
    for path in [where] if where.is_file() else sorted(where.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield from ((path.relative_to(checkout), at) for at, node in enumerate(ast.walk(tree)) if _other(node))


def _mutant(checkout: Path, path: Path, at: int) -> Mutant:
    source = (checkout / path).read_text(encoding="utf-8")
    node = list(ast.walk(ast.parse(source)))[at]
    assert isinstance(node, ast.expr)
    before, after = ast.get_source_segment(source, node), _other(node)
    assert before is not None
    assert after is not None
    lines = source.splitlines(keepends=True)
    start = sum(len(line.encode()) for line in lines[: node.lineno - 1]) + node.col_offset
    text = source.encode()
    text = text[:start] + f"({after})".encode() + text[start + len(before.encode()) :]
    return Mutant(path, node.lineno, before, after, text.decode())


def _other(node: ast.AST) -> str | None:
    """Another expression in place of one; None where there is none to be had."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in TURNED:
        return ast.unparse(ast.Compare(node.left, [TURNED[type(node.ops[0])](), *node.ops[1:]], node.comparators))
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPPED and not _of_types(node):
        return ast.unparse(ast.BinOp(node.left, SWAPPED[type(node.op)](), node.right))
    if isinstance(node, ast.Call):
        return _other_call(node)
    if isinstance(node, ast.IfExp):
        return ast.unparse(ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse))
    return None


def _other_call(node: ast.Call) -> str | None:
    """The greatest for the least, all for any, and the other way round."""
    if isinstance(node.func, ast.Name) and node.func.id in OTHER_NAME:
        return ast.unparse(ast.Call(ast.Name(OTHER_NAME[node.func.id]), node.args, node.keywords))
    if isinstance(node.func, ast.Attribute) and node.func.attr in OTHER_NAME:
        function = ast.Attribute(node.func.value, OTHER_NAME[node.func.attr])
        return ast.unparse(ast.Call(function, node.args, node.keywords))
    return None


def _of_types(node: ast.BinOp) -> bool:
    """Whether it joins words or lists rather than numbers, as far as one can see."""
    parts = (ast.Constant, ast.JoinedStr, ast.List, ast.Tuple)
    return any(isinstance(side, parts) and not _is_number(side) for side in (node.left, node.right))


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def noticed(copy: Path, mutant: Mutant, tests: Sequence[str]) -> bool:
    """Whether a test fails, or does not come to an end, with the fault in the copy."""
    where = copy / mutant.path
    whole = where.read_text(encoding="utf-8")
    where.write_text(mutant.text, encoding="utf-8")
    try:
        return not _passes(copy, tests)
    finally:
        where.write_text(whole, encoding="utf-8")


def _passes(copy: Path, tests: Sequence[str]) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.Popen(
        command,
        cwd=copy,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return run.wait(LIMIT_S) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)  # the tests' own processes with it
            run.wait()


def _copy(checkout: Path, to: Path) -> None:
    """The checkout without its history, its environment, and what runs and caches have left in it."""
    cached = shutil.ignore_patterns(".git", ".venv", "*cache*")

    def left_out(folder: str, names: list[str]) -> set[str]:
        at_the_top = {"runs"} if Path(folder) == checkout else set[str]()  # a room of the code is called so, too
        return cached(folder, names) | at_the_top

    shutil.copytree(checkout, to, ignore=left_out)


def main() -> int:
    """Tell of each fault, and in the end how many were noticed; the tests have to pass without one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--rooms", nargs="+", required=True)
    parser.add_argument("--tests", nargs="+", required=True)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "checkout"
        _copy(asked.checkout, copy)
        if not _passes(copy, asked.tests):
            print("the tests do not pass without a fault", file=sys.stderr)
            return 1
        seen = 0
        for number, mutant in enumerate(mutants(copy, asked.rooms, asked.count, asked.seed), 1):
            caught = noticed(copy, mutant, asked.tests)
            seen += caught
            told = f"{mutant.path}:{mutant.line}: {mutant.before}  →  {mutant.after}"
            print(f"{number:3d} {'noticed' if caught else 'MISSED '} {' '.join(told.split())}", flush=True)
    print(f"{seen} of {asked.count} noticed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
