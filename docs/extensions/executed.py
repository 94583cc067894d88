"""The directive `executed`: shell commands that are carried out when the site is built, with what they print.

    ```{executed}
    :lines: 5                      # show no more than the first lines of what is printed
    :exit: 2                       # it has to end with this code
    :terminal: broker              # leave it running, under this name
    :until: vppmarket node         # ... once it has printed a line with this
    vppmarket broker two_vpp --port 5555
    ```

A page has a home folder of its own, which its commands share. `{terminal} broker` waits for the end of one that
was left running and shows what else it has printed; `{picture} NAME` shows a PNG that was drawn there. A command
that ends otherwise is a warning, and so breaks the build. Where `executed_pages` in conf.py is a list, commands of
other pages are only shown.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from docs.extensions.terminals import CommandFailed, Terminals

_LOG = logging.getLogger(__name__)
_PAGES: dict[str, Terminals] = {}
"""The terminals of each page that is being read."""


class _Shown(SphinxDirective):
    """What both directives do: ask the page's terminals, show what is printed."""

    option_spec: ClassVar[Any] = {"lines": directives.positive_int, "exit": directives.nonnegative_int}

    @property
    def terminals(self) -> Terminals:
        """Those of this page."""
        page = self.env.docname
        if page not in _PAGES:
            _PAGES[page] = Terminals()
        return _PAGES[page]

    @property
    def left_out(self) -> bool:
        """Whether this page's commands are only shown."""
        pages = self.config.executed_pages
        return pages is not None and self.env.docname not in pages

    def printed(self, text: str) -> list[nodes.Node]:
        """The block of what was printed."""
        lines = text.rstrip("\n").splitlines()
        most = self.options.get("lines", len(lines))
        shown = "\n".join(lines[:most] + (["…"] if len(lines) > most else []))
        return [_block(shown, "text", "output")] if shown else []

    def failed(self, failure: CommandFailed) -> list[nodes.Node]:
        """Say so, as a warning."""
        _LOG.warning("a command of this page fails: %s", failure, location=self.get_location())
        return []


class Executed(_Shown):
    """Commands, and what they print."""

    has_content = True
    option_spec: ClassVar[Any] = {
        **_Shown.option_spec,
        "terminal": directives.unchanged_required,
        "until": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Carry them out."""
        script = "\n".join(self.content)
        block = _block(script, "shell", "commands")
        if self.left_out:
            return [block]
        try:
            if name := self.options.get("terminal"):
                text = self.terminals.start(name, script, self.options["until"])
            else:
                text = self.terminals.run(script, self.options.get("exit", 0))
        except CommandFailed as failure:
            return [block, *self.failed(failure)]
        return [block, *self.printed(text)]


class Terminal(_Shown):
    """What a terminal that was left running has printed in the end."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Wait for its end."""
        if self.left_out:
            return []
        try:
            return self.printed(self.terminals.finish(self.arguments[0], self.options.get("exit", 0)))
        except CommandFailed as failure:
            return self.failed(failure)


class Picture(_Shown):
    """A picture that the page's commands have drawn, from their folder."""

    required_arguments = 1
    option_spec: ClassVar[Any] = {"alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Put it into the page itself."""
        if self.left_out:
            return []
        drawn = self.terminals.folder / self.arguments[0]
        if not drawn.is_file():
            return self.failed(CommandFailed(f"no picture {self.arguments[0]} was drawn"))
        data = b64encode(drawn.read_bytes()).decode()
        return [nodes.image(uri=f"data:image/png;base64,{data}", alt=self.options["alt"])]


def _block(text: str, language: str, kind: str) -> nodes.literal_block:
    return nodes.literal_block(text, text, language=language, classes=[kind])


def _close(app: Sphinx, doctree: nodes.document) -> None:
    if terminals := _PAGES.pop(app.env.docname, None):
        terminals.close()


def _close_all(app: Sphinx, error: Exception | None) -> None:
    while _PAGES:
        _PAGES.popitem()[1].close()


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_config_value("executed_pages", None, "env", [list, type(None)])
    app.add_directive("executed", Executed)
    app.add_directive("terminal", Terminal)
    app.add_directive("picture", Picture)
    app.connect("doctree-read", _close)
    app.connect("build-finished", _close_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
