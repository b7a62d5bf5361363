"""A shadow log of up to 100,000 faces, and `tune` on it."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.__main__ import main
from edge.delivery.clock import ClockReading
from edge.delivery.face_database import transaction
from edge.samples import Box, Reason
from edge.shadow_log.file import open_shadow_log
from edge.shadow_log.pieces import Pieces
from edge.shadow_log.tables import Kind, LoggedFace, Moment, put_moment, put_piece
from edge.sources.images import picture_of
from engines.pair.manifest import read_manifest
from tests.bench.scale.points import Part, Point, Where, alone, milliseconds
from tests.edge.assessments import face_image

LOOKS, RATE = 20, 5
"""Of each person who walks by, and a second."""
LENGTH = 512
MOST_BY_THE_MINUTE = 10_000
"""
Faces: what the gate forwards is asked at many thresholds, and the more faces, the fewer thresholds,
so that it costs 1.5 to 2 million decisions up to 20,000 faces; above, it takes many minutes.
"""
WRITTEN = 500


def _points(where: Where) -> Iterator[Point]:
    pair_id = read_manifest(where.pair).pair_id
    for rows in where.sizes or (1_000, 10_000, 100_000):
        path = where.folder / f"shadow-{rows}.sqlite"
        alone(_fill, path, pair_id, rows)
        yield Point("shadow_log", "write a face", rows, alone(_write, path, pair_id, rows))
        for goal in ("forward-rate", "per-minute"):
            if goal == "per-minute" and rows > MOST_BY_THE_MINUTE:
                continue
            spent = alone(_tune, path, where.pair, goal, where.folder / f"tuning-{rows}")
            yield Point("shadow_log", f"tune --{goal}, a face", rows, spent / rows)


def _moments(first: int, count: int) -> Iterator[Moment]:
    """Yield one face at a time of people who walk by one after the other."""
    rng = np.random.default_rng(first)
    picture = picture_of(face_image())
    person = first // LOOKS
    mean = _unit(np.random.default_rng(person).normal(size=LENGTH))
    for number in range(first, first + count):
        if number // LOOKS != person:
            person = number // LOOKS
            mean = _unit(np.random.default_rng(person).normal(size=LENGTH))
        score = float(rng.uniform(20, 90))
        seen_s, tracklet = number / RATE, person + 1
        face = LoggedFace(
            wall_s=1e9 + seen_s,
            seen_s=seen_s,
            track=tracklet,
            place=0,
            box=Box(10, 10, 90, 90),
            detector_score=0.99,
            inter_eye_distance=40.0,
            shift=1 - score / 100,
            score=score,
            reason=Reason.FORWARDED if score >= 50 else Reason.LOW_QUALITY,
            detail="",
            embedding=_unit(mean + 0.4 * _unit(rng.normal(size=LENGTH))),
        )
        ended = (person,) if number % LOOKS == 0 and person else ()
        yield Moment(seen_s, ended, [(face, picture)])


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float32]:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _fill(path: Path, pair_id: str, rows: int) -> None:
    kind, pieces = Kind("door", "run", "observe", pair_id), Pieces()
    with closing(open_shadow_log(path)) as database, transaction(database):
        for moment in _moments(0, rows):
            piece = pieces.take(kind, moment.seen_s, is_still=False)
            now = ClockReading(moment.seen_s, 1e9 + moment.seen_s)
            piece.piece_id = put_piece(database, piece, now)
            put_moment(database, piece.piece_id, moment)


def _write(path: Path, pair_id: str, rows: int) -> float:
    """Return the milliseconds of a face more, each in a transaction of its own."""
    kind, pieces = Kind("door", "later", "observe", pair_id), Pieces()
    moments = list(_moments(rows, WRITTEN))
    with closing(open_shadow_log(path)) as database:

        def write() -> None:
            for moment in moments:
                with transaction(database):
                    piece = pieces.take(kind, moment.seen_s, is_still=False)
                    now = ClockReading(moment.seen_s, 1e9 + moment.seen_s)
                    piece.piece_id = put_piece(database, piece, now)
                    put_moment(database, piece.piece_id, moment)

        return milliseconds(write) / WRITTEN


def _tune(path: Path, pair: Path, goal: str, out: Path) -> float:
    """Return the milliseconds of the whole command."""
    config = path.with_suffix(".yaml")
    config.write_text(
        f"pair: {pair}\nsources: [{{name: door, uri: 'rtsp://192.0.2.1/', mode: observe}}]\n"
        f"sinks: [{{type: stdout}}]\n"
    )
    value = "2" if goal == "per-minute" else "0.3"
    words = ["tune", "--config", str(config), str(path), f"--{goal}", value, "--out", str(out)]
    begin_s = time.process_time()
    if main(words) != 0:
        raise RuntimeError("tune failed")
    return 1000 * (time.process_time() - begin_s)


PART = Part("shadow_log", "shadow log, by faces", "faces in the log", _points, is_wide=True)
