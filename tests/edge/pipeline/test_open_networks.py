import pytest

from edge.config.file import read_config
from edge.pipeline.open_networks import camera_settings

CONFIG = "pair: pair\nsources: [{name: door, uri: %s}]\nsinks: [{type: stdout}]\n"


@pytest.mark.parametrize(
    ("uri", "mode"),
    [
        ("stills", "every"),
        ("stills/a.jpg", "every"),
        ("walks", "best_shot"),
        ("walks/monday/b.mp4", "best_shot"),
        ("rtsp://camera/door", "best_shot"),
    ],
)
def test_nobody_is_followed_from_one_photograph_to_the_next(tmp_path, uri, mode):
    for name in ("stills/a.jpg", "walks/a.jpg", "walks/monday/b.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "gate.yaml").write_text(CONFIG % uri)
    config = read_config(tmp_path / "gate.yaml").config
    assert camera_settings(config, config.sources[0]).mode == mode
