"""All that a node process needs, imported and made once in the fork server that such processes come from.

The collector of cyclic garbage would look through everything again and again while modules are made, of which
nothing is garbage; it is told to leave alone what is there when processes are forked, so that they share it.
"""

from __future__ import annotations

import gc

gc.disable()

from broker.wire.frames import make_codecs  # noqa: E402  after the line above, which is what this module is for
from vpp_nodes.process import software  # noqa: E402

make_codecs()
software()
gc.freeze()
gc.enable()
