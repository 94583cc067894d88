"""How long a node looks for its broker if it is told nothing else, s."""

from typing import Final

PATIENCE_S: Final = 60.0
