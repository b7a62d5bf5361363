import json
import subprocess
import sys

import pytest

LIVES = 300


@pytest.mark.parametrize("seed", [1])
def test_no_accepted_face_is_lost_over_hundreds_of_kills(tmp_path, seed):
    run = subprocess.run(
        [sys.executable, "-m", "tests.edge.killed_gate", tmp_path, str(LIVES), str(seed)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    account = json.loads(run.stdout)
    assert account["lives that accepted"] > LIVES / 2
    assert account["lost"] == [0, 0]
    assert account["changed"] == 0
    assert account["unexplained"] == [0, 0]
    assert account["set aside"] == 0
