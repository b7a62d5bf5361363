"""One module for each command of `edge-gate`; `edge.__main__` wires them to their arguments."""

import signal

HELD = (signal.SIGHUP, signal.SIGUSR1)
"""Requests to a service, to reload, to tell its ledgers: held while `run` does not listen yet."""
