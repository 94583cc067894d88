"""Entry point of `python -m vpp_nodes`, the same as `vppmarket node`."""

import sys

from market.app.entry import main

if __name__ == "__main__":
    sys.argv.insert(1, "node")
    sys.exit(main())
