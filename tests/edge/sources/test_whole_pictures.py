"""Every picture that is handed over is one that was sent, whatever is lost on the way."""

import itertools
import time
from contextlib import suppress
from threading import Event
from typing import cast

import av
import numpy as np
import pytest
from av.container import InputContainer

from edge.errors import SourceError
from edge.samples import Damaged, Frame
from edge.sources.decoding.demand import Demand
from edge.sources.decoding.references import START_CODE
from edge.sources.decoding.sample import frame_of
from edge.sources.ffmpeg import Received
from edge.sources.open import frame_source
from edge.sources.whole_pictures import (
    FIRST_SLICE,
    WholePictures,
    goes_on_with_picture,
    joined,
)
from tests.edge.cameras import camera_settings
from tests.edge.rtsp import RtspCamera
from tests.edge.sent_video import sent_video
from tests.edge.system_gstreamer import need_gstreamer

SLICED = {
    "h264": {"x264-params": "slices=4:sliced-threads=0"},
    "hevc": {"x265-params": "slices=3:log-level=none"},
    "mjpeg": {},
}
IN_ONE = {"h264": {"x264-params": "threads=1"}, "hevc": {}, "mjpeg": {}}


@pytest.fixture(scope="session")
def sent(tmp_path_factory):
    """Return recordings by codec and whether their pictures have several slices, each made once."""
    made = {}

    def make(codec, *, sliced, count=60):
        known = codec, sliced, count
        if known not in made:
            options = (SLICED if sliced else IN_ONE)[codec]
            folder = tmp_path_factory.mktemp("-".join(map(str, known)))
            made[known] = sent_video(folder, codec, count, **options)
        return made[known]

    return make


def taken(camera, transport, decoder):
    """Return the pictures of a stream until its end, and how many were left out."""
    settings = camera_settings(camera.uri, transport=transport, decoder=decoder)
    pictures, left_out = [], 0
    with suppress(SourceError):  # the stream has ended
        for frame in frame_source(settings, print).frames():
            left_out += isinstance(frame, Damaged)
            if isinstance(frame, Frame):
                pictures.append(frame.pixels)
    return pictures, left_out


@pytest.mark.parametrize(
    "sending",
    [
        ("h264", False, "udp", 0),
        ("h264", True, "tcp", 0),
        ("hevc", True, "tcp", 0),
        ("mjpeg", False, "tcp", 0),
        ("h264", True, "udp", 151),
        ("h264", False, "tcp", 61),
        ("hevc", True, "udp", 61),
        ("hevc", False, "tcp", 61),
        ("mjpeg", False, "udp", 61),
    ],
)
def test_each_picture_that_is_received_was_sent(sent, sending, decoder):
    need_gstreamer()
    codec, sliced, transport, lose = sending
    # With losses time passes until a whole key frame comes.
    video = sent(codec, sliced=sliced, count=96 if lose else 60)
    camera = RtspCamera(transport=transport, recording=video.path, codec=codec, lose=lose)
    camera.start()
    try:
        pictures, left_out = taken(camera, transport, decoder)
    finally:
        camera.kill()
    is_exact = decoder == "ffmpeg" or codec != "mjpeg"
    index_of = video.index_of if is_exact else video.index_of_like
    indices = [index_of(pixels) for pixels in pictures]
    assert None not in indices
    assert indices
    if lose:
        assert left_out > 0
    else:
        assert indices == list(range(indices[0], indices[0] + len(indices)))
        assert len(indices) > 10


def units_of(data, codec):
    """Split a packet into NAL units; return those before the first slice, and the slices."""
    parts = [part.strip(b"\0") or part for part in data.split(START_CODE)[1:]]
    slices = [part for part in parts if FIRST_SLICE[codec](part) is not None]
    return [part for part in parts if part not in slices], slices


def packed(units):
    return b"".join(b"\0" + START_CODE + unit for unit in units)


def packets_of(video, tmp_path):
    """Return a recording's packets in Annex B's form, as they come from a camera."""
    path = tmp_path / "video.ts"
    with av.open(str(video.path)) as recording, av.open(str(path), "w") as stream:
        copied = stream.add_stream_from_template(recording.streams.video[0])
        for packet in recording.demux(video=0):
            if packet.size:
                packet.stream = copied
                stream.mux(packet)
    return path


def shown(path, video, change):
    """Return the indices of the pictures shown, and how many were left out."""
    left_out = []
    indices = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pictures = WholePictures(stream, lambda: left_out.append(1))
        for number, packet in enumerate(container.demux(stream)):
            changed = change(number, packet)
            indices += [
                video.index_of(frame_of(frame).to_ndarray(format="bgr24"))
                for each in changed
                for frame in pictures.of(each)
            ]
    return indices, len(left_out)


def with_data(packet, data):
    changed = av.Packet(data)
    changed.stream, changed.time_base = packet.stream, packet.time_base
    changed.pts, changed.dts, changed.is_keyframe = packet.pts, packet.dts, packet.is_keyframe
    return changed


@pytest.mark.parametrize("which", range(4))
def test_a_picture_of_h264_without_one_of_its_slices_ends_in_the_next_key_frame(
    sent, tmp_path, which
):
    video = sent("h264", sliced=True)

    def without_a_slice(number, packet):
        if number != 17:
            return [packet]
        others, slices = units_of(bytes(packet), "h264")
        return [with_data(packet, packed(others + slices[:which] + slices[which + 1 :]))]

    indices, left_out = shown(packets_of(video, tmp_path), video, without_a_slice)
    assert indices == [*range(17), *range(24, 60)]
    assert left_out == 24 - 17


def test_a_picture_of_h265_that_is_missing_ends_in_the_next_key_frame(sent, tmp_path):
    video = sent("hevc", sliced=False)
    indices, left_out = shown(
        packets_of(video, tmp_path), video, lambda number, packet: [packet] if number != 17 else []
    )
    assert indices == [*range(17), *range(24, 60)]
    assert left_out == 24 - 18


def test_b_pictures_that_refer_to_a_damaged_one_are_not_shown_before_it(tmp_path):
    options = {"tune": "", "bf": "3", "x264-params": "slices=4:b-adapt=0:scenecut=0"}
    video = sent_video(tmp_path, "h264", 48, **options)
    path = packets_of(video, tmp_path)

    def without_a_slice(number, packet):
        if number != 17:
            return [packet]
        others, slices = units_of(bytes(packet), "h264")
        return [with_data(packet, packed(others + slices[1:]))]

    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.has_b_frames
    indices, left_out = shown(path, video, without_a_slice)
    assert None not in indices
    assert left_out > 0


def test_a_broken_slice_is_no_end_of_the_stream_and_no_picture(sent, tmp_path):
    video = sent("h264", sliced=False)

    def with_noise(number, packet):
        data = bytearray(packet)
        if number == 30:
            data[60:] = np.random.default_rng(1).bytes(len(data) - 60)
        return [with_data(packet, bytes(data))] if packet.size else [packet]

    indices, _ = shown(packets_of(video, tmp_path), video, with_noise)
    assert None not in indices
    assert indices[-1] == 59


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_parameter_sets_between_slices_do_not_cut_a_picture_up(sent, tmp_path, codec):
    video = sent(codec, sliced=True)

    def pieces(packet):
        others, slices = units_of(bytes(packet), codec)
        return [with_data(packet, packed([*others, each])) for each in slices]

    with av.open(str(packets_of(video, tmp_path))) as container:
        stream = container.streams.video[0]
        received = [
            (piece, False)
            for packet in container.demux(stream)
            for piece in (pieces(packet) if packet.size and packet.is_keyframe else [packet])
        ]
        pictures = WholePictures(stream, lambda: None)
        indices = [
            video.index_of(frame_of(frame).to_ndarray(format="bgr24"))
            for packet, lost in joined(received, codec, tells_damage=pictures.tells_damage)
            for frame in pictures.of(packet, lost=lost)
        ]
    shown = {"h264": 60, "hevc": 59}[codec]  # the last one of H.265 may be cut off
    assert indices == list(range(shown))


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_key_frame_of_which_a_piece_is_lost_is_not_taken_for_whole(sent, tmp_path, codec):
    video = sent(codec, sliced=True)
    with av.open(str(packets_of(video, tmp_path))) as container:
        packets = list(container.demux(container.streams.video[0]))
    others, slices = units_of(bytes(packets[12]), codec)
    pieces = [with_data(packets[12], packed([*others, each])) for each in slices]
    received = [(pieces[0], False), (pieces[-1], True), (packets[13], False)]
    for tells_damage in (True, False):
        told = [lost for _, lost in joined(received, codec, tells_damage=tells_damage)]
        assert told[:2] == [True, True]


@pytest.mark.parametrize(("codec", "tells_damage"), [("h264", True), ("hevc", False)])
def test_ffmpeg_says_of_h264_alone_that_a_slice_is_missing(sent, tmp_path, codec, tells_damage):
    with av.open(str(packets_of(sent(codec, sliced=True), tmp_path))) as container:
        pictures = WholePictures(container.streams.video[0], lambda: None)
        assert pictures.tells_damage == tells_damage


@pytest.mark.parametrize(
    ("codec", "tells_damage", "left"),
    [("h264", True, 60), ("h264", False, 59), ("hevc", False, 59)],
)
def test_the_last_packet_which_may_be_cut_off_is_left_out_where_no_decoder_would_say_so(
    sent, tmp_path, codec, tells_damage, left
):
    video = sent(codec, sliced=False)
    with av.open(str(packets_of(video, tmp_path))) as container:
        received = ((packet, False) for packet in container.demux(video=0))
        kept = [packet for packet, _ in joined(received, codec, tells_damage=tells_damage)]
    assert sum(bool(packet.size) for packet in kept) == left


def test_a_gap_distrusts_the_key_frame_just_after_it(sent, tmp_path):
    video = sent("h264", sliced=False)
    with av.open(str(packets_of(video, tmp_path))) as container:
        stream = container.streams.video[0]
        pictures = WholePictures(stream, lambda: None)
        indices = [
            video.index_of(frame_of(frame).to_ndarray(format="bgr24"))
            for number, packet in enumerate(container.demux(stream))
            for frame in pictures.of(packet, lost=number == 23)
        ]
    assert indices == [*range(23), *range(36, 60)]


def test_a_packet_without_a_slice_begins_nothing_and_goes_on_with_nothing():
    assert not goes_on_with_picture(b"\0\0\0\1\x67\x42\0\0\0\1", "h264")
    assert not goes_on_with_picture(b"", "hevc")
    assert not goes_on_with_picture(b"\0\0\1\x65\x00", "mjpeg")


def test_a_decoder_that_met_damage_decodes_the_next_key_frame_exactly(sent, tmp_path):
    video = sent("h264", sliced=False)

    def with_a_hole(number, packet):
        data = bytes(packet)
        return [with_data(packet, data[:4200] + data[5600:]) if number == 12 else packet]

    indices, _ = shown(packets_of(video, tmp_path), video, with_a_hole)
    assert indices == [*range(12), *range(24, 60)]


class Opened:
    """A container whose first packets were received while it was opened; the others take time."""

    def __init__(self, packets, ready):
        self._packets, self._ready = packets, ready

    def demux(self, _stream):
        for number, packet in enumerate(self._packets):
            if number >= self._ready:
                Event().wait(0.06)
            yield packet


class BusyMachine:
    """A clock on which one of the first packets seems to be long in coming."""

    def __init__(self):
        self._asked = 0

    def __call__(self):
        self._asked += 1
        return time.monotonic() + (1.0 if self._asked > 3 else 0.0)


def test_a_gap_while_the_connection_was_opened_lets_no_damaged_picture_pass(sent, tmp_path):
    """H.265 without one slice, of which the decoder tells nothing."""
    video = sent("hevc", sliced=True)
    with av.open(str(packets_of(video, tmp_path))) as container:
        stream = container.streams.video[0]
        packets = list(container.demux(stream))
        others, slices = units_of(bytes(packets[15]), "hevc")
        packets[15] = with_data(packets[15], packed(others + slices[:1] + slices[2:]))
        gaps = itertools.chain([True], itertools.repeat(False))
        opened = cast("InputContainer", Opened(packets, 30))
        received = Received(opened, stream, lambda: next(gaps), Demand(clock=BusyMachine()))
        received.catch_up()
        pictures = [each for each in received if isinstance(each, av.VideoFrame)]
        indices = [video.index_of(each.to_ndarray(format="bgr24")) for each in pictures]
    assert indices == list(range(36, 59))
