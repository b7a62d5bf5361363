"""What to prune and what came of it: plain values that both the builder and a manifest hold."""

from dataclasses import dataclass, replace
from typing import Literal

from engines.errors import RecipeError

Role = Literal["dense", "pruned", "fused"]
"""What a file of a pair holds: one of its two networks, or both in one graph."""

Importance = Literal["magnitude", "channel", "unfolded", "random"]
Structure = Literal["weights", "channels", "2:4"]

LIVE_ABOVE = 1e-6
"""Weights of smaller magnitude are dead: networks as shipped hold up to a third of them."""
COST_AT_MOST = 1.5
"""Embedding and score over the embedding alone, in multiply-adds; the method as published: 2."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """
    Magnitude pruning, computed once and without data (arXiv 2605.13396).

    The defaults are for compact networks, whose layers differ in scale: there one global threshold
    either touches nothing or destroys the network. The paper's own recipe for ResNet-50 and
    ResNet-100 is scope "global", sparsity 0.4, count "all".
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    scope: Literal["layer", "global"] = "layer"
    """Whether the smallest weights are looked for in each layer or over all layers together."""
    sparsity: float = 0.1
    """Share of the counted weights that is set to zero, in [0, 1)."""
    layers: tuple[str, ...] = ()
    """Names of the only layers to prune; empty means all of them."""
    keep_dense: tuple[str, ...] = ()
    """Names of layers that are not touched."""
    count: Literal["live", "all"] = "live"
    """Count weights above 1e-6 only, so that dead channels do not eat the share; or all."""
    importance: Importance = "magnitude"
    """
    What makes a weight unimportant: a small absolute value (L1, the paper's); a small one for its
    output channel, that is divided by the root mean square of that channel's weights (ours); a
    small one before BatchNormalization was folded into the layer, as the paper's networks are
    pruned ("unfolded"); or chance, which the paper found useless: the control.
    """
    structure: Structure = "weights"
    """
    What becomes zero together: single weights; whole output channels, the sparsity being a share of
    those that live; or the two least of each four along the inputs (2:4, sparsity 0.5 by itself).
    """
    masks: tuple["Recipe", ...] = ()
    """
    Further masks, each a recipe without any of its own: the dense network is pruned once for each,
    and the shift is the geometric mean of all shifts (ours).
    """

    def __post_init__(self) -> None:
        if any(each.masks for each in self.masks):
            raise RecipeError("masks: one that has masks itself; write all of them into one list")
        if not 0 <= self.sparsity < 1:
            raise RecipeError(
                f"sparsity {self.sparsity}: it must be at least 0 and below 1, for example 0.1"
            )

    @property
    def single(self) -> tuple["Recipe", ...]:
        """One recipe for each mask, this one's own first."""
        return (replace(self, masks=()), *self.masks)


@dataclass(frozen=True, slots=True)
class LayerSparsity:
    """What pruning did to one layer, counted in the finished network."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    layer: str
    size: int
    """Weights of the layer."""
    counted: int
    """Weights that the recipe's `count` takes into account."""
    masked: int
    """Weights set to zero by pruning; 0 where the layer was kept dense."""
    zeros: int
    """Weights that are exactly zero afterwards, among them those that were so before."""

    @property
    def sparsity(self) -> float:
        """Share of the counted weights set to zero, in [0, 1); 0 where there was none to count."""
        return self.masked / self.counted if self.counted else 0.0


@dataclass(frozen=True, slots=True)
class CompactedLayer:
    """What became of one convolution."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    layer: str
    channels: int
    """Output channels before."""
    removed: int
    """Of them; more are dead where the count was rounded up."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Multiply-adds of convolutions and matrix products for one face."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    as_shipped: int
    """One embedding by the network as its publisher ships it."""
    dense: int
    """One embedding by the pair's dense network."""
    pair: int
    """Embedding and score by the pair."""
