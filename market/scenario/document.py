"""Parses the text of `scenario.yaml`: plain values, and the line each of them stands on.

Reads YAML 1.2's plain rules, as editors do: `1e-6` is a number, `yes` is a word; there are no tags and no merge
keys. Nesting and aliases are bounded, so that no file, however made, costs more than its size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from market.errors import Fault, ScenarioError

FILE_NAME = "scenario.yaml"
MAX_MEBIBYTES = 16
_MAX_DEPTH = 16
_MAX_VALUES = 1_000_000

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
}

_LOADER: type[yaml.CBaseLoader] | type[yaml.BaseLoader] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

_NO_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML cannot hold as it is: control characters, halves of characters."""

Path: TypeAlias = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class YamlNode:
    """One value: a scalar, or children by key or index, each with the line its key or dash is on.

    `size` counts the values in it, aliases written out.
    """

    value: object
    children: dict[str | int, tuple[int, YamlNode]]
    size: int

    def plain(self) -> object:
        """The value as str, int, float, bool, None, list or dict."""
        if self.value is dict:
            return {key: child.plain() for key, (_, child) in self.children.items()}
        if self.value is list:
            return [child.plain() for _, child in self.children.values()]
        return self.value


@dataclass(frozen=True, slots=True)
class Document:
    """A read `scenario.yaml`: its values, and where they stand. `faults`: what YAML allows but we do not."""

    root: YamlNode
    values: dict[str, object]
    faults: tuple[Fault, ...]

    def line(self, path: Path) -> int:
        """The line of the value at `path`, or of the closest thing above it that is there."""
        line, node = 1, self.root
        for key in path:
            if key not in node.children:
                break
            line, node = node.children[key]
        return line

    def place(self, path: Path) -> str:
        """For messages: file, line and path."""
        return f"{FILE_NAME}:{self.line(path)} {path_text(path)}".rstrip()


def path_text(path: Path) -> str:
    """A path as a reader writes it.

    >>> path_text(("vpps", 0, "ess", "soc_min"))
    'vpps[0].ess.soc_min'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def parse_document(text: str) -> Document:
    """Read YAML text. Raises ScenarioError if it is not one YAML mapping of plain values."""
    reader = _Reader()
    _check_printable(text, FILE_NAME)
    try:
        root = reader.document(yaml.parse(text, Loader=_LOADER))
    except yaml.YAMLError as error:
        raise ScenarioError([_syntax_fault(error)]) from None
    if root.value is not dict:
        found = "a list" if root.value is list else f"the value {root.value!r}" if root.value else "nothing"
        remedy = "write `name: value` lines, as in the built-in cases"
        raise ScenarioError([Fault("must be a mapping of sections", found, f"{FILE_NAME}:1", remedy)])
    values = {str(key): child.plain() for key, (_, child) in root.children.items()}
    return Document(root, values, tuple(reader.faults))


def parse_value(text: str) -> object:
    """One value as it could stand in the file: a scalar, a list or a mapping in brackets. Raises ScenarioError."""
    reader = _Reader()
    _check_printable(text, "")
    try:
        root = reader.document(yaml.parse(text, Loader=_LOADER))
    except yaml.YAMLError:
        remedy = (
            "write a number, a word, true, null, [a, b] or {name: value}, in quotes where the shell needs them"
        )
        raise ScenarioError([Fault("must be a value in YAML", repr(text[:60]), "", remedy)]) from None
    if reader.faults:
        raise ScenarioError(reader.faults)
    return root.plain()


def _check_printable(text: str, file: str) -> None:
    if found := _NO_YAML.search(text):
        line = text.count("\n", 0, found.start()) + 1
        remedy = "leave this character out"
        place = f"{file}:{line}" if file else ""
        raise ScenarioError([Fault("must be of printable characters", ascii(found[0]), place, remedy)])


def _syntax_fault(error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    place = f"{FILE_NAME}:{mark.line + 1}" if mark else FILE_NAME
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or type(error).__name__
    remedy = "correct the line, or the one before: indentation, a missing colon, an open quote"
    return Fault("must be readable YAML", str(problem), place, remedy)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _fatal(rule: str, value: str, line: int, remedy: str) -> ScenarioError:
    return ScenarioError([Fault(rule, value, f"{FILE_NAME}:{line}", remedy)])


@dataclass(slots=True)
class _Reader:
    """Builds nodes from parser events, counting depth and size as it goes."""

    anchors: dict[str, YamlNode] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def document(self, events: Iterator[yaml.Event]) -> YamlNode:
        root: YamlNode | None = None
        for event in events:
            if isinstance(event, yaml.NodeEvent):
                if root is not None:
                    line = _line(event)
                    raise _fatal(
                        "must be a single YAML document",
                        "a second one",
                        line,
                        "remove the `---` line and what follows",
                    )
                root = self.node(event, events, 0)
        return root or YamlNode(None, {}, 1)

    def node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> YamlNode:
        line = _line(event)
        if depth > _MAX_DEPTH:
            raise _fatal(f"must nest at most {_MAX_DEPTH} levels", "more", line, "close the brackets before")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise _fatal(
                    "must have the anchor of an alias before it",
                    f"*{event.anchor}",
                    line,
                    "write the value itself",
                )
            return self.anchors[event.anchor]
        node = self.fresh(event, events, depth, line)
        if node.size > _MAX_VALUES:
            raise _fatal(
                f"must have at most {_MAX_VALUES:,} values",
                "more (aliases written out)",
                line,
                "use fewer aliases",
            )
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            self.anchors[event.anchor] = node
        return node

    def fresh(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int, line: int) -> YamlNode:
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            self.fault("must be plain values without tags", str(tag), line, "remove the tag")
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(events, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(events, depth)
        assert isinstance(event, yaml.ScalarEvent)  # nothing else starts a node
        return YamlNode(self.scalar(event, line), {}, 1)

    def mapping(self, events: Iterator[yaml.Event], depth: int) -> YamlNode:
        children: dict[str | int, tuple[int, YamlNode]] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            line = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise _fatal("must have plain words as keys", "something else", line, "write `name: value`")
            key = str(self.text(event.value, line))
            child = self.node(next(events), events, depth + 1)
            if key in children:
                first = children[key][0]
                remedy = "keep one of them"
                self.fault("must have each key only once", f"{key!r} again, first on line {first}", line, remedy)
            else:
                children[key] = (line, child)
        return YamlNode(dict, children, 1 + sum(child.size for _, child in children.values()))

    def sequence(self, events: Iterator[yaml.Event], depth: int) -> YamlNode:
        children: dict[str | int, tuple[int, YamlNode]] = {}
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            child = self.node(event, events, depth + 1)
            children[len(children)] = (_line(event), child)
        return YamlNode(list, children, 1 + sum(child.size for _, child in children.values()))

    def scalar(self, event: yaml.ScalarEvent, line: int) -> object:
        text = event.value
        if event.style:  # quoted or block text is always text
            return self.text(text, line)
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        if _NUMBER.fullmatch(text):
            return float(text)  # a whole number beyond 18 digits too: it is out of every range anyway
        return self.text(text, line)

    def text(self, text: str, line: int) -> str:
        if text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text):
            return text
        self.fault("must be Unicode text", ascii(text), line, "remove the escaped surrogate")
        return ascii(text)

    def fault(self, rule: str, value: str, line: int, remedy: str) -> None:
        self.faults.append(Fault(rule, value, f"{FILE_NAME}:{line}", remedy))
