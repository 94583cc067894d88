"""Owns what a network does to a message: pure functions of the message, of when it was sent, and of a seed.

Knows nothing of what messages say, of sockets, or of who waits for them.
"""

from broker.conditions.draw import What, draw
from broker.conditions.link_queue import LinkQueue
from broker.conditions.model import Attempt, Conditions, Journey, Transit

__all__ = ["Attempt", "Conditions", "Journey", "LinkQueue", "Transit", "What", "draw"]
