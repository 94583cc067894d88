"""Claims: every command and every option stands in one section of its help, and every example works."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import click
import pytest

from market.app.cli.commands import commands
from market.app.cli.help import COMMANDS, EXAMPLES, IMPORTS, OPTIONS, STUDIES, SectionedGroup
from market.app.cli.main import command


def every_command() -> Iterator[tuple[str, click.Command]]:
    """All commands by the words that call them."""
    for name, found in commands.commands.items():
        if isinstance(found, click.Group):
            yield from ((f"{name} {below}", each) for below, each in found.commands.items())
        else:
            yield name, found


ALL = dict(every_command())


@pytest.mark.parametrize(
    ("group", "sections"),
    [(commands, COMMANDS), (commands.commands["experiment"], STUDIES), (commands.commands["import"], IMPORTS)],
    ids=["all", "studies", "imports"],
)
def test_every_command_is_in_one_section(group: SectionedGroup, sections: dict[str, tuple[str, ...]]) -> None:
    listed = [name for names in sections.values() for name in names]
    assert sorted(listed) == sorted(group.commands)


def test_every_option_is_in_one_section_and_no_section_names_another() -> None:
    named = [name for names in OPTIONS.values() for name in names]
    assert len(named) == len({*named})
    known = {param.name for each in ALL.values() for param in each.params if isinstance(param, click.Option)}
    assert known == {*named}


@pytest.mark.parametrize("words", ALL)
def test_the_help_of_a_command_has_all_its_options_and_examples(
    words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for width in (60, 80):
        monkeypatch.setenv("COLUMNS", str(width))
        assert command([*words.split(), "--help"]) == 0
        told = capsys.readouterr().out
        flags = {flag for param in ALL[words].params if isinstance(param, click.Option) for flag in param.opts}
        assert {flag for flag in flags if f"{flag} " not in told.replace("\n", " ")} == set()
        before, _, examples = told.partition("Examples:\n")
        assert max(map(len, before.splitlines())) <= width
        assert max(map(len, examples.splitlines())) <= 80
        assert all(example in told for example in EXAMPLES[words.split()[-1]])


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_understood(name: str) -> None:
    for example in EXAMPLES[name]:
        program, *words = shlex.split(example.replace("\\\n", " ").split("|")[0].split(">")[0])
        assert program == "vppmarket"
        with commands.make_context("vppmarket", words) as context:
            _parsed(context, commands)


def _parsed(context: click.Context, group: click.Group) -> None:
    """Everything behind the name of a command, read as it would be, and nothing done."""
    name, found, rest = group.resolve_command(context, [*context._protected_args, *context.args])
    assert found is not None
    with found.make_context(name, rest, parent=context) as below:
        if isinstance(found, click.Group):
            _parsed(below, found)
