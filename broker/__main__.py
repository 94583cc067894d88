"""Entry point of `python -m broker`, the same as `vppmarket broker`."""

import sys

from market.app.entry import main

if __name__ == "__main__":
    sys.argv.insert(1, "broker")
    sys.exit(main())
