"""Which frames make one piece of footage, and how long it lasts. Pure."""

from dataclasses import dataclass, field

from edge.shadow_log.tables import Kind, Piece

LONGEST_PIECE_S = 60.0
"""So much goes at once when the log is full."""
LONGEST_GAP_S = 10.0
"""Between two frames of a camera that was watched; a longer one was an outage."""


@dataclass(slots=True)
class _Open:
    piece: Piece
    began_s: float


@dataclass(slots=True)
class Pieces:
    """The newest piece of each camera."""

    _open: dict[str, _Open] = field(default_factory=dict)

    def take(self, kind: Kind, seen_s: float, *, is_still: bool) -> Piece:
        """
        Add one frame and return its piece, the newest of its camera.

        Args:
            kind: Of the frame.
            seen_s: Its time by the camera's own clock.
            is_still: A still image lasts no time, and is not counted.
        """
        newest = self._open.get(kind.camera)
        gap_s = _gap_s(newest, kind, seen_s)
        if newest is None or gap_s is None or seen_s - newest.began_s >= LONGEST_PIECE_S:
            newest = _Open(Piece(kind, seen_s), seen_s)
            self._open[kind.camera] = newest
            newest.piece.joins = int(gap_s is not None and not is_still)
        piece = newest.piece
        piece.seen_s = seen_s
        if not is_still:
            piece.frames += 1
            piece.watched_s += gap_s or 0.0
        return piece

    def newest(self, kind: Kind) -> Piece | None:
        """Return the newest piece of a camera when it is of this kind."""
        newest = self._open.get(kind.camera)
        return None if newest is None or newest.piece.kind != kind else newest.piece

    def close_all(self) -> None:
        """Begin a new piece with the next frame of each camera."""
        for camera, newest in list(self._open.items()):
            self._open[camera] = _Open(newest.piece, float("-inf"))


def _gap_s(newest: _Open | None, kind: Kind, seen_s: float) -> float | None:
    """Return the seconds since the frame before; None when this one does not go on from it."""
    if newest is None or newest.piece.kind != kind:
        return None
    gap_s = seen_s - newest.piece.seen_s
    return gap_s if 0 <= gap_s <= LONGEST_GAP_S else None


def watched_s(pieces: list[Piece]) -> float:
    """
    Return how long a camera was watched; each row of frames lasts to the end of its last frame.

    Args:
        pieces: Of one camera.
    """
    between = sum(piece.watched_s for piece in pieces)
    rows = sum(1 - piece.joins for piece in pieces if piece.frames)
    gaps = sum(piece.frames for piece in pieces) - rows
    return between + rows * between / max(1, gaps)
