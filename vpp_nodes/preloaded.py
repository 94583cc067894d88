"""All that a node process needs, imported once in the fork server that such processes come from.

The collector of cyclic garbage would look through everything again and again while modules are made, of which
nothing is garbage; it is told to leave alone what is there when processes are forked, so that they share it.
"""

from __future__ import annotations

import gc

gc.disable()

import vpp_nodes.process  # noqa: E402, F401  after the line above, which is what this module is for

gc.freeze()
gc.enable()
