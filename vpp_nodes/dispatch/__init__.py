"""One VPP's dispatch: its cheapest day by (1) to (13). The only package of this project that imports OR-Tools."""

from vpp_nodes.dispatch.solve import dispatch

__all__ = ["dispatch"]
