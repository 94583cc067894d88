"""What a network does to a message: pure functions of the message, of when it was sent, and of a seed."""

from broker.conditions.draw import RandomStream, draw
from broker.conditions.link_queue import LinkQueue
from broker.conditions.model import Attempt, AttemptKey, Conditions, Transmission

__all__ = ["Attempt", "AttemptKey", "Conditions", "LinkQueue", "RandomStream", "Transmission", "draw"]
