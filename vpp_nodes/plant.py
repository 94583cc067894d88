"""Owns putting a VPP's plant behind its behaviour: a node that plans with OR-Tools and declares what comes out.

Knows nothing of sockets, processes or other VPPs.
"""

from __future__ import annotations

from market.day.roles import declare
from market.model.public import PublicRules
from market.model.vpp import Vpp
from vpp_nodes.dispatch import dispatch
from vpp_nodes.node import Node


def plant_node(vpp: Vpp, public: PublicRules) -> Node:
    """The behaviour of one VPP with its own plant."""
    return Node(
        vpp.id, public, lambda direct: dispatch(vpp, public, direct), lambda plan: declare(vpp, plan, public)
    )
