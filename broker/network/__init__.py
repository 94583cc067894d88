"""What a network does to a message: pure functions of the message, of when it was sent, and of a seed."""

from broker.network.draw import RandomStream, draw
from broker.network.link_queue import LinkQueue
from broker.network.model import Attempt, AttemptKey, Conditions, Transmission

__all__ = ["Attempt", "AttemptKey", "Conditions", "LinkQueue", "RandomStream", "Transmission", "draw"]
