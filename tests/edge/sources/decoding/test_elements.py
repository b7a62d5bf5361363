"""Which elements are taken, by what the registry offers."""

import pytest

from edge.sources.decoding.elements import CODECS, FORMATS, RAW, Elements, chosen, decoding

JETSON = {
    *("h264parse", "h265parse", "jpegparse", "nvv4l2decoder", "nvvidconv", "nvjpegdec"),
    *("avdec_h264", "avdec_h265", "jpegdec"),
}
INTEL = {
    *("h264parse", "h265parse", "jpegparse", "vah264dec", "vah265dec", "vajpegdec"),
    *("avdec_h264", "avdec_h265", "jpegdec"),
}
OLD_INTEL = {"h264parse", "vaapih264dec", "openh264dec", "avdec_h264"}
PLAIN = {"h264parse", "h265parse", "jpegparse", "avdec_h264", "avdec_h265", "jpegdec"}


@pytest.mark.parametrize(
    ("present", "names"),
    [
        (JETSON, {"h264": "nvv4l2decoder", "hevc": "nvv4l2decoder", "mjpeg": "nvjpegdec"}),
        (
            JETSON - {"nvjpegdec"},
            {"h264": "nvv4l2decoder", "hevc": "nvv4l2decoder", "mjpeg": "nvv4l2decoder"},
        ),
        (JETSON - {"nvvidconv"}, {"h264": "avdec_h264", "hevc": "avdec_h265"}),
        (INTEL, {"h264": "vah264dec", "hevc": "vah265dec", "mjpeg": "vajpegdec"}),
        (OLD_INTEL, {"h264": "vaapih264dec", "hevc": None, "mjpeg": None}),
        (PLAIN, {"h264": "avdec_h264", "hevc": "avdec_h265", "mjpeg": "jpegdec"}),
        (PLAIN - {"h264parse"}, {"h264": None}),
        (set(), {"h264": None, "hevc": None, "mjpeg": None, "vp9": None}),
    ],
    ids=["jetson", "no nvjpegdec", "no nvvidconv", "intel", "old intel", "plain", "parser", "none"],
)
def test_hardware_is_taken_before_software_and_only_what_is_there(present, names):
    for codec, name in names.items():
        elements = chosen(codec, present.__contains__)
        assert (elements and elements.name) == name


def test_hardware_alone_is_taken_where_software_is_no_gain():
    assert chosen("h264", PLAIN.__contains__, hardware_only=True) is None
    taken = chosen("mjpeg", (JETSON - {"nvjpegdec"}).__contains__, hardware_only=True)
    assert taken == Elements("nvv4l2decoder mjpeg=1", "nvvidconv")


def test_pictures_of_a_jetson_come_out_of_the_memory_of_its_decoder():
    elements = chosen("hevc", JETSON.__contains__)
    assert elements is not None
    assert decoding("hevc", elements).split(" ! ") == [
        "h265parse",
        "nvv4l2decoder name=decoder",
        "nvvidconv",
    ]


def test_properties_of_a_decoder_stay_with_it():
    elements = Elements("nvv4l2decoder mjpeg=1", "nvvidconv")
    made = decoding("mjpeg", elements)
    assert made == "jpegparse ! nvv4l2decoder mjpeg=1 name=decoder ! nvvidconv"
    assert elements.names == ("nvv4l2decoder", "nvvidconv")


def test_the_form_of_nvidias_decoder_is_asked_for_first():
    assert next(iter(FORMATS)) == "NV12"
    assert RAW.startswith("video/x-raw,format=(string){NV12,I420,")


def test_every_codec_can_be_decoded_without_hardware():
    for codec in CODECS.values():
        assert not codec.elements[-1].is_hardware
        assert not codec.elements[-1].converter
