"""The negotiation as machines without input or output."""
