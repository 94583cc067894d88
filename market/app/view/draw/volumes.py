"""Draws what one VPP has to sell or needs in each period, and how much of it is traded."""

from __future__ import annotations

from collections.abc import Sequence

from market.app.history.period import PeriodNow
from market.app.results.telling import Telling
from market.app.view.draw import colours
from market.app.view.draw.plane import axes, period_marks, plane, zoomable
from market.app.view.draw.svg import INK, SOFT, drawing, line, notice, rect, tag, text, title
from market.model.declaration import Declaration, Role

WIDTH, HEIGHT = 960.0, 220.0


def volumes_picture(
    vpp: str, declared: Declaration | None, nows: Sequence[PeriodNow], chosen: int, window: range, told: Telling
) -> str:
    """Surplus upwards, deficit downwards, MW, of the periods in the window; what is traded is filled."""
    if declared is None:
        return notice(WIDTH, HEIGHT, f"{vpp or 'nobody'} has not declared yet", name="volumes")
    signed = (declared.surplus_mw - declared.deficit_mw).tolist()
    on = plane(WIDTH, HEIGHT, (window.start + 0.5, window.stop + 0.5), (min(0.0, *signed), max(0.0, *signed)))
    parts = [axes(on, told.axis, "surplus, −deficit, MW", period_marks(told, window, 24))]
    for t, volume in ((t, signed[t]) for t in window):
        traded = _traded(vpp, nows[t]) if t < len(nows) else 0.0
        left, width = on.x(t + 0.55), on.x(t + 1.45) - on.x(t + 0.55)
        colour = colours.ROLE[declared.roles[t]]
        tooltip = title(
            f"period {told.period(t + 1)}: {declared.roles[t].value}, {abs(volume):.4f} MW, {traded:.4f} MW traded"
        )
        whole = _bar(on.y(volume), on.y(0.0), left, width, colour, 0.28)
        part = _bar(on.y(traded if volume > 0 else -traded), on.y(0.0), left, width, colour, 1.0)
        parts.append(tag("g", tooltip + whole + part, data_pick=f"period:{t}"))
    if chosen in window:
        x, wide = on.x(chosen + 0.5), on.x(chosen + 1.5) - on.x(chosen + 0.5)
        height = on.y.start - on.y.end
        parts.append(rect(x, on.y.end, wide, height, fill="none", stroke=INK, stroke_width=min(1.4, wide)))
    parts.append(line(on.x.start, on.y(0.0), on.x.end, on.y(0.0)))
    key = ((64, Role.SELLER, "has to sell"), (180, Role.BUYER, "needs"))
    for x, role, words in key:
        parts += [rect(x, 8, 14, 12, fill=colours.ROLE[role], opacity=0.28), text(x + 20, 19, words)]
    parts.append(text(260, 19, "full colour: traded with other VPPs", fill=SOFT))
    return drawing(WIDTH, HEIGHT, *parts, name="volumes", label=f"volumes of {vpp}", role="group",
                   **zoomable(on, "periods", "period"))  # fmt: skip


def _bar(value_y: float, zero_y: float, left: float, width: float, colour: str, opacity: float) -> str:
    top, height = min(value_y, zero_y), abs(value_y - zero_y)
    return rect(left, top, width, height, fill=colour, opacity=opacity)


def _traded(vpp: str, now: PeriodNow) -> float:
    game = now.game
    if vpp in game.sellers:
        return float(now.delivered_mw[:, game.sellers.index(vpp)].sum())
    return float(now.delivered_mw[game.buyers.index(vpp)].sum()) if vpp in game.buyers else 0.0
