"""The negotiation as machines without input or output: events in, actions out."""
