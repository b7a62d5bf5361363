import tempfile
from pathlib import Path

import pytest

from edge.commissioning.addresses import candidates
from edge.errors import UsageError


def meant(text, **how):
    return [(each.uri.address, each.login) for each in candidates(text, **how)]


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("rtsp://cam/1", ["rtsp://cam/1"]),
        ("192.168.1.20/stream1", ["rtsp://192.168.1.20/stream1", "http://192.168.1.20/stream1"]),
        (
            "cam.local:554/live?ch=1",
            ["rtsp://cam.local:554/live?ch=1", "http://cam.local:554/live?ch=1"],
        ),
        ("10.0.0.7:80/video.mjpg", ["http://10.0.0.7:80/video.mjpg"]),
        ("10.0.0.7:443/video.mjpg", ["https://10.0.0.7:443/video.mjpg"]),
        ("[fe80::1]:8554/cam", ["rtsp://[fe80::1]:8554/cam", "http://[fe80::1]:8554/cam"]),
        ("localhost/cam", ["rtsp://localhost/cam", "http://localhost/cam"]),
        ("/dev/video0", ["v4l2:///dev/video0"]),
        ("csi://0", ["csi://0"]),
    ],
)
def test_an_address_without_a_scheme_gets_those_that_it_may_have(text, addresses, tmp_path):
    assert meant(text, by_id=tmp_path) == [(address, None) for address in addresses]


def test_a_usb_camera_is_named_so_that_it_stays_the_same():
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:  # where such names may be
        link = Path(folder) / "usb-C920"
        link.symlink_to("/dev/null")
        assert meant("/dev/null", by_id=Path(folder)) == [(f"v4l2://{link}", None)]


def test_a_file_and_a_folder_are_taken_before_a_host_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "door.example").mkdir()
    assert meant("door.example") == [("file://door.example", None)]


def test_a_login_within_an_address_is_taken_out_and_decoded():
    assert meant("rtsp://admin:p%40ss@cam:8554/1") == [("rtsp://cam:8554/1", "admin:p@ss")]
    assert meant("admin:pass@10.0.0.7/1")[0] == ("rtsp://10.0.0.7/1", "admin:pass")


@pytest.mark.parametrize(
    "text",
    ["", "door", "recordings/monday", "../door", "monday.mp4", "ftp://cam/1", "rtsp:/cam", "a b"],
)
def test_what_can_mean_nothing_is_told_what_an_address_looks_like(text):
    with pytest.raises(UsageError, match=r"rtsp://192\.168\.1\.20/stream1"):
        candidates(text)
