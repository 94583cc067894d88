"""The broker of a market: the messages, the bus, the protocol and the tape that its processes share."""
