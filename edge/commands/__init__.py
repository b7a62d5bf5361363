"""One module for each command of `python -m edge`; `edge/__main__.py` wires them."""
