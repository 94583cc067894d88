"""The tab of one VPP: its declaration, and its plans once it has disclosed them."""

from __future__ import annotations

from market.app.figures.dispatch import dispatch_figure
from market.app.results.disclosed import disclosed
from market.app.view.draw.volumes import volumes_picture
from market.app.view.panels.concluded import day_of, drawn
from market.app.view.panels.html import box, note
from market.app.view.session import Frame
from market.app.view.told import told_of


def plant_panel(frame: Frame) -> str:
    """Volumes declared; below, the plans that are shown as stacked areas, load and storage."""
    vpp, day = frame.vpp, day_of(frame)
    declared = frame.view.declarations.get(vpp)
    volumes = volumes_picture(vpp, declared, frame.nows, frame.period, frame.window, told_of(frame.view))
    if day is None or vpp not in day.vpps:
        plans = note("Plans are private until the market is over; then each VPP shows what it wants to.")
    elif stages := disclosed(day).stages(vpp):
        plans = drawn(frame, f"dispatch {vpp}", lambda: dispatch_figure(day, vpp, stages))
    else:
        plans = note(f"{vpp} does not show its plans.")
    return box(f"What {vpp} declares, and trades so far", volumes) + box(
        f"The day of {vpp}", plans, name="dispatch"
    )
