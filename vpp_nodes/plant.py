"""A node with a real plant: it plans with OR-Tools and declares what comes out."""

from __future__ import annotations

from market.bidding.declare import declare
from market.model.public import PublicRules
from market.model.vpp import Vpp
from vpp_nodes.dispatch import dispatch
from vpp_nodes.node import Node


def plant_node(vpp: Vpp, public: PublicRules) -> Node:
    """The behaviour of one VPP with its own plant."""
    return Node(
        vpp.id, public, lambda direct: dispatch(vpp, public, direct), lambda plan: declare(vpp, plan, public)
    )
