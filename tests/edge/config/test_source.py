import pytest
from pydantic import ValidationError

from edge.config.delivery import Secret
from edge.config.origins import effective_settings
from edge.config.source import SourceSettings
from tests.edge.configurations import SMALLEST, loaded

LOGIN = {"name": "camera-login"}


def source(uri: str, **keys: object) -> SourceSettings:
    return SourceSettings.model_validate({"name": "door", "uri": uri, **keys})


@pytest.mark.parametrize(
    ("uri", "keys"),
    [
        ("rtsp://camera/1", {"transport": "udp", "open_timeout": "3s", "read_timeout": 2}),
        ("rtsps://camera/1", {"login": LOGIN, "offline_after": "5min"}),
        ("http://camera/v", {"login": LOGIN, "read_timeout": 2}),
        ("v4l2:///dev/video0", {"width": 640, "height": 480, "fps": 15}),
        ("csi://0", {"width": 1280, "height": 720}),
        ("clip.mp4", {"loop": True, "pace": "timestamps"}),
        ("clip.mp4", {"aspect": "16:9", "rotate": 90, "mirror": True, "deinterlace": "never"}),
        ("csi://0", {"aspect": "4:3", "rotate": 180, "mirror": True}),
        ("rtsp://camera/1", {"transport": "udp_multicast", "deinterlace": "always"}),
        ("http://camera/snapshot.jpg", {"snapshot_every": "2s"}),
    ],
)
def test_keys_are_taken_where_they_mean_something(uri, keys):
    taken = source(uri, **keys)
    assert taken.model_fields_set == {"name", "uri", *keys}


@pytest.mark.parametrize(
    ("uri", "keys", "words"),
    [
        ("clip.mp4", {"transport": "tcp"}, "transport is for rtsp://, and uri is file"),
        ("clip.mp4", {"read_timeout": 3}, "read_timeout is for csi://, http://"),
        ("http://camera/", {"transport": "udp"}, "transport is for rtsp://"),
        ("rtsp://camera/", {"loop": True}, "loop is for file://, and uri is rtsp://"),
        ("rtsp://camera/", {"width": 640, "height": 480}, "height is for csi://, v4l2://"),
        ("v4l2:///dev/video0", {"width": 640}, "width and height go together"),
        ("v4l2:///dev/video0", {"deinterlace": "auto"}, "deinterlace is for file://, http://"),
        ("rtsp://camera/", {"snapshot_every": 1}, "snapshot_every is for http://, https://"),
        ("clip.mp4", {"rotate": 45}, "rotate"),
        ("clip.mp4", {"aspect": "16:0"}, "aspect"),
        ("clip.mp4", {"aspect": "1.78"}, "aspect"),
        ("v4l2:///dev/video0", {"login": LOGIN}, "login is for http://"),
        ("rtsp://a:hunter2@camera/", {"login": LOGIN}, "keep one of them"),
    ],
)
def test_a_key_without_meaning_is_refused(uri, keys, words):
    with pytest.raises(ValidationError, match=words):
        source(uri, **keys)


def test_no_representation_of_a_configuration_holds_a_password():
    text = SMALLEST.replace("photographs", "rtsp://admin:hunter2@camera/1")
    settings = effective_settings(loaded(text))
    (uri,) = (each.value for each in settings if each.name == "sources.door.uri")
    assert str(uri) == "rtsp://…@camera/1"
    assert "hunter2" not in repr(loaded(text).config)


def test_a_secret_names_the_login():
    assert source("rtsp://camera/", login=LOGIN).login == Secret(name="camera-login")
