"""What stands in for `subprocess.Popen` in tests answers as it does."""

import os
import signal

from tests.edge.warm_process import WarmProcess


class EndsMeanwhile(WarmProcess):
    """Ends after one has looked whether it has, before what follows: its server reaps it then."""

    @property
    def returncode(self) -> None:
        return None


def test_a_signal_to_a_program_that_ends_meanwhile_does_nothing(tmp_path):
    process = EndsMeanwhile(int, (), tmp_path, os.environ)
    process._process.join()
    process.send_signal(signal.SIGUSR1)
    assert process._process.exitcode == 0
