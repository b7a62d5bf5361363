"""The pages of the package say what the program and its libraries say."""

import subprocess

import pytest

from deb.pages import licences, man
from edge.__main__ import COMMANDS


def test_the_manual_page_tells_every_command_and_is_sound(tmp_path):
    page = "\n".join(man("1.2.3")) + "\n"
    for name in COMMANDS:
        assert f".SH EDGE\\-GATE {name.upper()}" in page
    assert "\\-\\-config" in page
    (tmp_path / "edge-gate.1").write_text(page)
    words = ["groff", "-man", "-Kutf8", "-Tutf8", "-ww", "-z", str(tmp_path / "edge-gate.1")]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        pytest.skip("groff is missing; 'make services' installs it")
    assert done.stderr == ""


def test_the_licence_of_every_library_is_told(tmp_path):
    for name, lines in {
        "new": "License-Expression: BSD-3-Clause",
        "old": "License: MIT",
        "wordy": f"License: {'text ' * 40}\nClassifier: License :: OSI Approved :: Apache License",
    }.items():
        (tmp_path / f"{name}-1.0.dist-info").mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{lines}\n"
        (tmp_path / f"{name}-1.0.dist-info/METADATA").write_text(metadata)
    assert list(licences(tmp_path)) == [
        "  new 1.0: BSD-3-Clause",
        "  old 1.0: MIT",
        "  wordy 1.0: Apache License",
    ]
