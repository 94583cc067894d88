"""Draws what one VPP has to sell or needs in each period, and how much of it is traded."""

from __future__ import annotations

from collections.abc import Sequence

from market.app.history.period import PeriodNow
from market.app.view.draw import colours
from market.app.view.draw.plane import axes, plane
from market.app.view.draw.svg import INK, SOFT, drawing, line, notice, rect, tag, text, title
from market.model.declaration import Declaration, Role

WIDTH, HEIGHT = 960.0, 220.0


def volumes_picture(vpp: str, declared: Declaration | None, nows: Sequence[PeriodNow], chosen: int) -> str:
    """Surplus upwards, deficit downwards, MW; the filled part is what is traded with other VPPs."""
    if declared is None:
        return notice(WIDTH, HEIGHT, f"{vpp or 'nobody'} has not declared yet", name="volumes")
    signed = (declared.surplus_mw - declared.deficit_mw).tolist()
    count = len(signed)
    on = plane(WIDTH, HEIGHT, (0.5, count + 0.5), (min(0.0, *signed), max(0.0, *signed)))
    ticks = [t for t in range(1, count + 1) if count <= 32 or t % 8 == 0]
    parts = [axes(on, "period", "surplus, −deficit, MW", ticks)]
    for t, volume in enumerate(signed):
        traded = _traded(vpp, nows[t]) if t < len(nows) else 0.0
        left, width = on.x(t + 0.55), on.x(t + 1.45) - on.x(t + 0.55)
        colour = colours.ROLE[declared.roles[t]]
        tooltip = title(f"period {t + 1}: {declared.roles[t].value}, {abs(volume):.4f} MW, {traded:.4f} MW traded")
        whole = _bar(on.y(volume), on.y(0.0), left, width, colour, 0.28)
        part = _bar(on.y(traded if volume > 0 else -traded), on.y(0.0), left, width, colour, 1.0)
        parts.append(tag("g", tooltip + whole + part, data_pick=f"period:{t}"))
    x = on.x(chosen + 0.5)
    parts.append(
        rect(x, on.y.end, on.x(chosen + 1.5) - x, on.y.start - on.y.end, fill="none", stroke=INK, stroke_width=1.4)
    )
    parts.append(line(on.x.start, on.y(0.0), on.x.end, on.y(0.0)))
    key = ((64, Role.SELLER, "has to sell"), (180, Role.BUYER, "needs"))
    for x, role, words in key:
        parts += [rect(x, 8, 14, 12, fill=colours.ROLE[role], opacity=0.28), text(x + 20, 19, words)]
    parts.append(text(260, 19, "full colour: traded with other VPPs", fill=SOFT))
    return drawing(WIDTH, HEIGHT, *parts, name="volumes", label=f"volumes of {vpp}")


def _bar(value_y: float, zero_y: float, left: float, width: float, colour: str, opacity: float) -> str:
    top, height = min(value_y, zero_y), abs(value_y - zero_y)
    return rect(left, top, width, height, fill=colour, opacity=opacity)


def _traded(vpp: str, now: PeriodNow) -> float:
    game = now.game
    if vpp in game.sellers:
        return float(now.delivered_mw[:, game.sellers.index(vpp)].sum())
    return float(now.delivered_mw[game.buyers.index(vpp)].sum()) if vpp in game.buyers else 0.0
