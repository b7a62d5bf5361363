"""`edge-gate purge`: delete from outboxes, directory sinks, shadow logs and histories."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from rich.progress import Progress

from edge.config.delivery import DirectorySinkSettings
from edge.config.engine import execution_of
from edge.config.file import read_config
from edge.config.model import Config, DetectorSettings
from edge.console import console, progress
from edge.detection.open import open_detector
from edge.errors import ConfigError, OutboxError, ShadowLogError, UsageError
from edge.printable import say
from edge.service.likeness import Likeness
from edge.service.purge import not_made, purge_directory, purge_outbox, purge_shadow_log
from edge.service.purge_history import purge_history
from edge.service.wanted_faces import EVER, Looked, Purge, Wanted
from engines.amounts import amount
from engines.pair.pair import EnginePair, open_pair

PLACES = "--config, --outbox, --directory, --shadow-log or --history"


@dataclass(frozen=True, slots=True)
class Place:
    """An outbox, a folder, a shadow log or a history."""

    path: Path
    purge: Callable[..., Purge]
    must_exist: bool
    """A place named on the command line; a configured one may not have been made yet."""


def run(arguments: argparse.Namespace) -> int:
    """Purge each place; one that fails does not keep the others."""
    if arguments.older_than is None and arguments.camera is None and not arguments.like:
        raise UsageError("say which faces: give --older-than, --camera or --like")
    config = None if arguments.config is None else read_config(arguments.config).config
    places = _places(arguments, config)
    with progress(console()) as bars, _wanted(arguments, config, bars) as wanted:
        looked = _counting(bars, wanted)
        done = [_purged(place, wanted, arguments, looked) for place in places]
    if arguments.like and not (arguments.yes or arguments.dry_run):
        say("nothing was deleted yet: the same command with --yes does it")
    return 0 if all(done) else 1


def _purged(place: Place, wanted: Wanted, arguments: argparse.Namespace, looked: Looked) -> bool:
    dry_run = arguments.dry_run or (bool(arguments.like) and not arguments.yes)
    try:
        found = place.purge(place.path, wanted, dry_run=dry_run, looked=looked)
    except (ConfigError, OutboxError, ShadowLogError, OSError) as error:
        say(f"{place.path}: {error}", sys.stderr)
        return False
    if arguments.list or (arguments.like and dry_run):
        _print_each(found)
    _print_sum(place.path, found, "would delete" if dry_run else "deleted")
    return True


@contextmanager
def _wanted(
    arguments: argparse.Namespace, config: Config | None, bars: Progress
) -> Iterator[Wanted]:
    older_than_s = EVER if arguments.older_than is None else arguments.older_than
    if not arguments.like:
        yield Wanted(older_than_s, arguments.camera)
        return
    if config is None:
        detector = open_detector(DetectorSettings(), bars)
    else:
        detector = open_detector(config.detector, bars, config.engine.providers)
    with _pair(arguments, config) as pair:
        person = Likeness(arguments.like, detector, pair)
        match_score = pair.match_score if arguments.match_score is None else arguments.match_score
        say(_match_words(pair, arguments.match_score))
        yield Wanted(older_than_s, arguments.camera, person, match_score)


def _pair(arguments: argparse.Namespace, config: Config | None) -> EnginePair:
    if arguments.pair is not None:
        return open_pair(arguments.pair)
    if config is None:
        raise UsageError("--like needs an engine pair that compares: give --config or --pair")
    return open_pair(config.pair, config.threads, execution_of(config.engine))


def _match_words(pair: EnginePair, given: float | None) -> str:
    if given is not None:
        return f"a face matches from comparison score {given:.3f} on, as given"
    if pair.manifest.acceptance.match_score is None:
        origin = f"estimated for {pair.pair_id}, which does not state one; build it again to know"
    else:
        origin = f"of {pair.pair_id}: 1 in 100 comparisons of two different golden faces reaches it"
    return f"a face matches from comparison score {pair.match_score:.3f} on ({origin})"


def _counting(bars: Progress, wanted: Wanted) -> Looked:
    if wanted.person is None:
        return lambda: None
    task = bars.add_task("comparing faces", total=None)
    return lambda: bars.advance(task)


def _places(arguments: argparse.Namespace, config: Config | None) -> list[Place]:
    places = [Place(path, purge_outbox, must_exist=True) for path in arguments.outbox]
    places += [Place(path, purge_directory, must_exist=True) for path in arguments.directory]
    places += [Place(path, purge_shadow_log, must_exist=True) for path in arguments.shadow_log]
    places += [Place(path, purge_history, must_exist=True) for path in arguments.history]
    if config is not None:
        places += _configured(config)
    if not places:
        raise UsageError(f"nothing to purge: give {PLACES}")
    return list(filter(_is_made, places))


def _is_made(place: Place) -> bool:
    why_not = not_made(place.path)
    if why_not is not None and place.must_exist:
        raise UsageError(f"{place.path} {why_not}: nothing was purged anywhere")
    if why_not is not None:
        say(f"{place.path}: not made yet")
    return why_not is None


def _configured(config: Config) -> list[Place]:
    folders = [sink.path for sink in config.sinks if isinstance(sink, DirectorySinkSettings)]
    places = [Place(folder, purge_directory, must_exist=False) for folder in folders]
    if config.delivery.outbox is not None:
        places.append(Place(config.delivery.outbox.path, purge_outbox, must_exist=False))
    if config.shadow_log is not None:
        places.append(Place(config.shadow_log.path, purge_shadow_log, must_exist=False))
    if config.page.history is not None:
        places.append(Place(config.page.history, purge_history, must_exist=False))
    return places


def _print_each(found: Purge) -> None:
    for face in found.gone:
        stored = datetime.fromtimestamp(face.stored_at, timezone.utc)
        score = "" if face.score is None else f"  {face.score:.3f}"
        size = face.bytes if face.kind == "face" else face.kind
        say(f"{stored:%Y-%m-%dT%H:%M:%SZ}  {size:>9}{score}  {face.name}")
    for name in found.unknown:
        say(f"nobody can tell: {name}")


def _print_sum(path: Path, found: Purge, verb: str) -> None:
    words = [f"{path}: {verb} {_sum_words(found)}"]
    words += _matched_words([face.score for face in found.gone if face.score is not None])
    if found.nearest is not None:
        words.append(f"the nearest that stays has {found.nearest:.3f}")
    if found.unknown:
        words.append(f"{len(found.unknown)} stay that nobody can tell")
    say("; ".join(words))


def _sum_words(found: Purge) -> str:
    if found.is_faceless:
        kinds = Counter(one.kind for one in found.gone)
        counts, events, marks = (kinds[kind] for kind in ("count", "event", "mark"))
        told = f"{amount(counts, 'hourly count')}, {amount(events, 'event')}"
        return f"{told} and {amount(marks, 'mark')}; no face is in it"
    return f"{amount(len(found.gone), 'face')}, {sum(face.bytes for face in found.gone)} bytes"


def _matched_words(scores: Sequence[float]) -> list[str]:
    return [f"comparison scores {min(scores):.3f} to {max(scores):.3f}"] if scores else []
