"""The wire: typed messages to bytes and back. No other package knows the layout of a frame."""
