"""The page's server: settings that keep every request on this machine, one port, its guard, an orderly end."""

from __future__ import annotations

import os
import socket
import warnings
import webbrowser
from collections.abc import Callable

from market.app.view.door import Door
from market.app.view.porter import Porter
from market.app.view.routes import application
from market.errors import RunError
from market.system_fault import reason_of

HOST = "127.0.0.1"
PORT = 8765
SETTINGS = {
    "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "False",
    "SOLARA_CHECK_HOOKS": "off",
    "SOLARA_ASSETS_FONTAWESOME_ENABLED": "False",
    "SOLARA_ASSETS_PROXY": "True",
    "SOLARA_SESSION_HTTP_ONLY": "True",
    "SOLARA_KERNEL_CULL_TIMEOUT": "20s",
    "SOLARA_THEME_SHOW_BANNER": "False",
    "SOLARA_MODE": "production",
    "SOLARA_APP": "market.app.view.page",
}
"""Read by Solara when it is imported."""


def serve(port: int | None, announce: Callable[[str], None], *, open_browser: bool) -> None:
    """Serve pages until interrupted. `port` None: the usual one, or a free one where that is taken.

    `announce` is told the address, which lets in whoever has it. RunError if a port that was asked for is taken.
    """
    with _listening(port) as listener:
        os.environ.update(SETTINGS)
        import uvicorn
        from solara.server import settings

        settings.main.mode = "production"
        warnings.filterwarnings("ignore", message="Cookies with samesite=none")  # no page of ours is embedded
        door = Door.fresh(listener.getsockname()[1])
        config = uvicorn.Config(
            Porter(door, application()),
            log_level="warning",
            access_log=False,  # addresses hold the token
            loop="asyncio",
            proxy_headers=False,
            server_header=False,
        )
        announce(door.address)
        if open_browser:
            webbrowser.open(door.address)
        uvicorn.Server(config).run(sockets=[listener])


def _listening(port: int | None) -> socket.socket:
    wanted = PORT if port is None else port
    try:
        return socket.create_server((HOST, wanted))
    except OSError as error:
        if port is None:
            return socket.create_server((HOST, 0))
        raise RunError(
            f"the page cannot be served on port {port}: {reason_of(error)}; choose another --port"
        ) from None
