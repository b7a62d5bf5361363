"""
What decoding costs, and conversion on top: python tests/bench/decoding_price.py

A recording of 1080p is read with each decoder, once without making any picture but the first, once
making all. In turns; processor time of the process, threads of GStreamer's included. The decoders
of GStreamer are those in software, unless the machine has better ones. They need the system's
Python, or one of the same version: PYTHONPATH=/usr/lib/python3/dist-packages.
"""

import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[2]))

from edge.errors import SourceError
from edge.sources.decoding.choice import choices
from edge.sources.decoding.elements import DecoderChoice
from edge.sources.video import VideoFile
from tests.bench.lines import show
from tests.edge.sent_video import moving_pictures, write_video

SIZE = (1920, 1080)
COUNT, ROUNDS = 75, 5
CODECS = ("h264", "hevc", "mjpeg")
DECODERS: tuple[DecoderChoice, ...] = ("ffmpeg", "gstreamer")


def cost_ms(path: Path, every: int, decoder: DecoderChoice) -> float:
    """Return the processor time of one picture, of which each `every`-th is made."""
    before_s = time.process_time()
    made = sum(1 for _ in VideoFile(path, every, decoder=decoder).frames())
    assert made == -(-COUNT // every)
    return 1000 * (time.process_time() - before_s) / COUNT


def row(path: Path, codec: str, decoder: DecoderChoice) -> str:
    # Of Motion JPEG what is not made is not decoded either.
    pairs = [(cost_ms(path, COUNT, decoder), cost_ms(path, 1, decoder)) for _ in range(ROUNDS)]
    alone, whole = (statistics.median(costs) for costs in zip(*pairs, strict=True))
    ratio = statistics.median(both / one for one, both in pairs)
    return f"| {codec} | {decoder} | {alone:.2f} | {whole:.2f} | {ratio:.2f} |"


def main() -> None:
    try:
        taken = ", ".join(f"{each.words} by {each.decoder}" for each in choices("gstreamer"))
    except SourceError as error:
        sys.exit(str(error))
    show(f"gstreamer: {taken}\n")
    show("| codec | decoder | none made, ms a picture | all made, ms | ratio |")
    show("|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        for codec in CODECS:
            path = Path(folder) / f"{codec}.mkv"
            write_video(path, codec, (moving_pictures(25, *SIZE) * COUNT)[:COUNT])
            for decoder in DECODERS:
                show(row(path, codec, decoder))


if __name__ == "__main__":
    main()
