"""The input shapes that a plan accepts, and the ones it is tuned for."""

from pydantic import BaseModel, ConfigDict, model_validator


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BatchProfile(_Record):
    """Batch sizes the plan accepts."""

    smallest: int
    usual: int
    """The size TensorRT tuned for."""
    largest: int


class ShapeProfile(_Record):
    """Whole input shapes, batch first, of a network that takes images of several sizes."""

    smallest: tuple[int, ...]
    usual: tuple[int, ...]
    """The shape TensorRT tunes for."""
    largest: tuple[int, ...]
    """Of every axis the most; an input may be the largest in one and small in another."""

    @model_validator(mode="after")
    def _ascends(self) -> "ShapeProfile":
        axes = list(zip(self.smallest, self.usual, self.largest, strict=True))
        if not axes or not all(1 <= least <= usual <= most for least, usual, most in axes):
            raise ValueError(f"shapes must ascend in every axis, these are {axes}")
        return self

    @classmethod
    def batches(cls, sizes: BatchProfile, row: tuple[int, ...]) -> "ShapeProfile":
        """Return the shapes of batches of equal rows."""
        smallest, usual, largest = (
            (size, *row) for size in (sizes.smallest, sizes.usual, sizes.largest)
        )
        return cls(smallest=smallest, usual=usual, largest=largest)

    @property
    def all(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Smallest, usual and largest, as TensorRT takes them."""
        return self.smallest, self.usual, self.largest

    @property
    def row(self) -> tuple[int, ...]:
        """Without the batch axis; -1 where sizes differ, as TensorRT writes it."""
        axes = zip(self.smallest[1:], self.largest[1:], strict=True)
        return tuple(least if least == most else -1 for least, most in axes)

    def holds(self, shape: tuple[int, ...]) -> bool:
        """Return whether an input of this shape may be run."""
        if len(shape) != len(self.smallest):
            return False
        axes = zip(self.smallest, shape, self.largest, strict=True)
        return all(least <= size <= most for least, size, most in axes)


USUAL_PROFILE = BatchProfile(smallest=1, usual=4, largest=8)
"""One face in most frames, a group now and then."""
