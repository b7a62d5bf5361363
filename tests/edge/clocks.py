"""Clocks that stand still until a test moves their hands."""

from dataclasses import dataclass

from edge.delivery.clock import Clocks

DAY = 86400.0
NOW = 1_800_000_000.0


@dataclass
class Hands:
    """A monotonic and a wall clock."""

    monotonic: float = 50.0
    wall: float = NOW

    def clocks(self):
        return Clocks(lambda: self.monotonic, lambda: self.wall)
