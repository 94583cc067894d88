"""How Sphinx builds the site: `scripts/site`. Nothing is fetched, neither by the build nor by its pages."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

project = "vppmarket"
author = "The vppmarket authors"
release = version = version_of("vppmarket")
html_title = f"vppmarket {version}"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "docs.extensions.docstrings",
    "docs.extensions.executed",
    "docs.extensions.help_texts",
    "docs.extensions.repository_links",
]
exclude_patterns = ["_build", "extensions"]
default_role = "code"  # one pair of backquotes in a docstring
smartquotes = False

myst_heading_anchors = 4
# Notebooks and commands that are executed, such as "tutorial notebooks/sweep": all, or those named here.
executed_pages = os.environ["SITE_EXECUTES"].split() if "SITE_EXECUTES" in os.environ else None
suppress_warnings = [] if executed_pages is None else ["myst-nb.lexer"]  # of notebooks that are only shown
nb_execution_mode = "force"
nb_execution_excludepatterns = [
    f"{notebook.parent.name}/{notebook.name}"
    for notebook in (Path(__file__).parent / "notebooks").glob("*.md")
    if executed_pages is not None and f"notebooks/{notebook.stem}" not in executed_pages
]
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_output_stderr = "error"
nb_ipywidgets_js: dict[str, object] = {}  # else a page with widgets would ask a CDN for their scripts

autodoc_typehints = "signature"
autodoc_member_order = "bysource"

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
copybutton_selector = "div.commands pre, div.cell_input pre, div.highlight-python pre, div.highlight-console pre"
highlight_language = "text"  # of what is set in: commands, formulas, folders
