"""The directive `help-texts`: what each command of `vppmarket` says with `--help`, a section for each."""

from __future__ import annotations

from collections.abc import Iterator

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from market.app.cli.commands import commands

COLUMNS = 80


class HelpTexts(SphinxDirective):
    """Sections with the texts."""

    def run(self) -> list[nodes.Node]:
        """Ask the commands themselves."""
        return [self._section(name, text) for name, text in help_texts(commands, "vppmarket")]

    def _section(self, name: str, text: str) -> nodes.section:
        section = nodes.section(names=[nodes.fully_normalize_name(name)])
        section += nodes.title(name, "", nodes.literal(name, name))
        section += nodes.literal_block(text, text, language="text")
        self.state.document.note_implicit_target(section, section)
        return section


def help_texts(command: click.Command, name: str, above: click.Context | None = None) -> Iterator[tuple[str, str]]:
    """Each command below this one, with its whole name and what it says of itself; this one first."""
    context = click.Context(command, info_name=name.split()[-1], parent=above, terminal_width=COLUMNS)
    yield name, command.get_help(context)
    if isinstance(command, click.Group):
        for word in command.list_commands(context):
            found = command.get_command(context, word)
            assert found is not None
            yield from help_texts(found, f"{name} {word}", context)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("help-texts", HelpTexts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
