"""The market without sockets, under the name that tests of the broker know it by."""

from vpp_nodes.in_memory import ENDPOINTS, TOKEN, Hop, Loopback, blank_plan, prices_of

__all__ = ["ENDPOINTS", "TOKEN", "Hop", "Loopback", "blank_plan", "prices_of"]
