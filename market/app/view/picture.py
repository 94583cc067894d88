"""HTML with SVG on the page, kept in place while it changes, and what is chosen by pressing a part of it."""

from __future__ import annotations

from collections.abc import Callable

import solara


@solara.component_vue("picture.vue")
def PictureWidget(name: str, html: str, event_pick: Callable[[str], None]) -> None:
    """HTML with SVG; what is marked `data-pick` reports when it is pressed. `name`: its class."""
