"""Leads links to files above `docs/` somewhere: to the page that shows the file, or else nowhere, as plain text.

The README and its like are shown on the site and read in the repository as well; there the links are paths.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

ROOT: Final = Path(__file__).resolve().parent.parent.parent
PAGES: Final = {"README.md": "index", "CONTRIBUTING.md": "contributing", "CHANGELOG.md": "changes"}
"""The pages that show a file of the repository."""


class RepositoryLinks(SphinxPostTransform):
    """Resolves what MyST cannot find among the pages, before it complains."""

    default_priority = 8  # MyST resolves at 9

    def run(self, **kwargs: Any) -> None:
        """Replace the references to files of the repository."""
        for reference in list(self.document.findall(addnodes.pending_xref)):
            if reference["reftype"] == "myst" and (found := self._resolved(reference)) is not None:
                reference.replace_self(found)

    def _resolved(self, reference: addnodes.pending_xref) -> nodes.Element | None:
        path, shown = reference["reftarget"].partition("#")[0], reference[0]
        assert isinstance(shown, nodes.Element)
        if page := PAGES.get(path):
            return make_refnode(self.app.builder, self.env.docname, page, "", shown)
        beside = Path(self.app.env.doc2path(self.env.docname)).parent
        return shown if path and any((folder / path).exists() for folder in (ROOT, beside)) else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_post_transform(RepositoryLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
