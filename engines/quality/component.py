"""One quality component of a face picture, in the form of ISO/IEC 29794-5 and its reference."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Component:
    """One quality component."""

    value: float
    """Native; its unit, range and direction are the component's."""
    quality: float
    """0 to 100, higher is better (ISO/IEC 29794-5 quality component value)."""


def scaled(value: float, quality: float) -> Component:
    """Return a component whose quality is rounded and kept within 0 to 100, as in OFIQ."""
    return Component(value, float(min(100, max(0, math.floor(quality + 0.5)))))


def sigmoid(value: float, middle: float, width: float) -> float:
    """Return 1 / (1 + exp((middle - value) / width)): OFIQ's mappings are made of it."""
    return 1 / (1 + math.exp(min(700, (middle - value) / width)))
