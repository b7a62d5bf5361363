"""The input shapes that a plan accepts, and the ones it is tuned for."""

from pydantic import BaseModel, ConfigDict


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
    """The shape that TensorRT tunes for."""
    largest: tuple[int, ...]
    """Of every axis the most; an input may be the largest in one and small in another."""

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

    @property
    def batch_sizes(self) -> BatchProfile:
        """The numbers of rows."""
        smallest, usual, largest = (shape[0] for shape in self.all)
        return BatchProfile(smallest=smallest, usual=usual, largest=largest)

    @property
    def is_batches(self) -> bool:
        """Whether only the number of rows varies."""
        return -1 not in self.row

    def holds(self, shape: tuple[int, ...]) -> bool:
        """Return whether an input of this shape may be run."""
        if len(shape) != len(self.smallest):
            return False
        axes = zip(self.smallest, shape, self.largest, strict=True)
        return all(least <= size <= most for least, size, most in axes)


USUAL_PROFILE = BatchProfile(smallest=1, usual=4, largest=8)
"""One face in most frames, a group now and then."""
