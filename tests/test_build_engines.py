"""The builder's old door: the same words, the same code, from any folder."""

import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(("closed", "code"), [(">&-", 0), ("2>&-", 1)])
def test_a_closed_standard_stream_leads_nowhere_behind_the_door_too(tmp_path, closed, code):
    put_pair(tmp_path)
    words = f"inspect {'pair' if code == 0 else 'absent'} {closed}"
    command = ["sh", "-c", f'exec "{sys.executable}" "{DOOR}" {words}']
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
