"""The routes of the page's server: of Solara's those that the page needs, and the page's own files.

What is not named here is not there: nothing that asks the internet, that writes, or that tells of the server.
"""

from __future__ import annotations

from collections.abc import Iterable

from market.app.view.porter import App

FROM_SOLARA = frozenset(
    {
        "/",
        "/jupyter/api/kernels/{kernel_id}/{name}",  # the websocket
        "/jupyter/nbextensions",  # scripts of the widgets, as installed
        "/static/assets",
        "/static",
    }
)
ON_DISK = "/_solara/cdn"
"""Where the page asks for scripts and fonts that other pages get from a CDN."""


def application() -> App:
    """Solara's pages, without the rest of its server."""
    from solara.server import settings, starlette
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from starlette.staticfiles import StaticFiles

    # Solara's own handler asks a CDN for what it does not find, and deletes a folder that it is asked for.
    disk = Mount(ON_DISK, app=StaticFiles(directory=settings.assets.proxy_cache_dir, check_dir=False))
    kept = [route for route in starlette.routes if getattr(route, "path", None) in FROM_SOLARA]
    _require_all(route.path for route in kept)
    built: App = Starlette(routes=[disk, *kept], lifespan=starlette.lifespan, middleware=starlette.middleware)
    return built


def _require_all(found: Iterable[str]) -> None:
    missing = FROM_SOLARA - set(found)
    if missing:
        raise RuntimeError(f"this Solara has no route {', '.join(sorted(missing))}")
