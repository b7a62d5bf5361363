"""The part of the configuration that says what is forwarded of one person walking by."""

from typing import Annotated, Literal

from pydantic import Field

from edge.config.quantities import Duration
from edge.config.section import Section

Mode = Literal["best_shot", "every", "observe"]
"""best_shot: the best faces of each track; every: each face that passes; observe: count only."""


Looks = Literal["sparing", "every"]
"""sparing: where it could change what is sent; every: wherever it might."""


class TrackSettings(Section):
    """When faces of following frames are one person, and which of them are forwarded."""

    at_least_one_above: Annotated[float, Field(ge=0, le=100)] = 15.0
    """
    Quality score: the best face of a person leaves from here on when none reaches the limit
    (`best_of_track`), so that nobody is lost at a threshold that their pictures never reach. At or
    above the limit, off.
    """
    keep: Annotated[int, Field(ge=1, le=20)] = 1
    """Faces forwarded of each track: its best ones."""
    early_after: Duration | None = 2.0
    """
    Forward the best face so far this long after the first good one; a better one that comes later
    replaces it. Longer than `longest`, faces leave only when their tracks end.
    """
    upgrade_by: Annotated[float, Field(ge=0, le=100)] = 10.0
    """Quality score: a face forwarded early is followed by a better one only above this gain."""
    enough: Annotated[float, Field(ge=0, le=100)] = 95.0
    """Quality score: a track whose worst kept face reaches it is not scored any further."""
    hysteresis: Annotated[float, Field(ge=0, le=100)] = 0.0
    """
    Quality score: after a face of a track has passed, its others pass down to so much below the
    limit. For mode `every` and `keep` above 1, where faces around the threshold would come and go.
    """
    at_most_every: Duration = 1.0
    """Mode `every`: least time between two forwarded faces of a track."""
    gap: Duration = 1.0
    """A face unseen for longer has left, and its track ends."""
    longest: Duration = 60.0
    """A track is cut after this time, so that a person who stays is seen again."""
    duplicate_within: Duration = 300.0
    """Who was seen by the same camera this short ago is known again, and not sent twice."""
    duplicate_above: Annotated[float, Field(ge=-1, le=1)] | None = None
    """
    Comparison score (cosine of dense embeddings) above which two faces are surely one person's; not
    given, by the engine pair's own scale.
    """
    looks: Looks = "sparing"
    """
    Mode `best_shot`: score the faces that could change what is sent, as far as their places and
    their likeness to faces scored before foretell it (sparing), or each face that could become the
    best of its track (every).
    """
    search: Looks = "sparing"
    """
    Search the whole of each frame for faces (every), or (sparing) as long as nothing new moves in
    the picture only where the faces that are followed are expected. Mode `every`: always the whole.
    """
    identity: bool = True
    """
    A track is one person: it is cut where its faces are not alike, and goes on when somebody who
    was seen within `duplicate_within` comes back. Off, only the place tells who is who.
    """
