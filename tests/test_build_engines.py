"""The builder's old door: the same words, the same code, from any folder."""

import subprocess
import sys
from pathlib import Path

from tests.pairs import put_pair

DOOR = Path(__file__).resolve().parents[1] / "build_engines.py"


def opened(*words, folder):
    command = [sys.executable, DOOR, *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_door_opens_from_another_folder_to_the_same_command(tmp_path):
    manifest = put_pair(tmp_path)
    done = opened("inspect", "pair", folder=tmp_path)
    assert manifest.pair_id in done.stdout, done.stderr


def test_the_door_gives_the_commands_exit_codes(tmp_path):
    done = opened("inspect", tmp_path, folder=tmp_path)
    assert (done.returncode, done.stderr[:16]) == (1, "edge-gate pair: ")
