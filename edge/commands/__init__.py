"""One module for each command of `edge-gate`; `edge.__main__` wires them to their arguments."""
