#!/bin/sh
# Installs the program into a folder of its own, and proves what it installed.
#   install/program.sh PYTHON FOLDER        (called by `make install-program`, from the checkout)
#
# Neither the pip nor the setuptools of the target take part: those of Ubuntu 22.04 (JetPack 6) make an
# empty package named UNKNOWN of this project and say nothing. A pip in a venv of its own, as new as
# it must be, builds in a copy of the checkout, so that root leaves no files in the user's.
# Not installed into a venv: the system's own packages (TensorRT, GStreamer) stay visible.
set -eu
umask 022
python=$1 folder=$2
oldest_pip=23

die() { echo "install: $*" >&2; exit 1; }
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' edge/__init__.py)
[ -n "$version" ] || die "call it from the folder of the checkout"
"$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' ||
  die "Python 3.10 to 3.13 is needed; name one with: make install PYTHON=/usr/bin/python3.11"

mkdir -p "$(dirname "$folder")"
work=$(mktemp -d)
fresh=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work" "$fresh"' EXIT
trap 'exit 130' INT TERM

"$python" -m venv "$work/venv" >"$work/said" 2>&1 ||
  { cat "$work/said" >&2; die "a venv cannot be made: sudo apt-get install python3-venv"; }
pip() { "$work/venv/bin/python" -m pip --disable-pip-version-check "$@"; }
[ "$(pip --version | sed 's/^pip \([0-9]*\).*/\1/')" -ge $oldest_pip ] ||
  pip install --quiet --upgrade "pip>=$oldest_pip"

mkdir "$work/source"
cp -R pyproject.toml setup.py constraints.txt README.md LICENSE build_engines.py edge engines "$work/source"
pip wheel --quiet --no-deps --wheel-dir "$work/own" "$work/source"
# Every wheel is held to its hash, our own to the one that it has now: pip wants one of each.
wheel=$(echo "$work"/own/*.whl)
cp install/requirements.txt "$work/requirements.txt"
echo "$wheel --hash=sha256:$(sha256sum "$wheel" | cut -c1-64)" >> "$work/requirements.txt"
pip install --quiet --require-hashes --target "$fresh" --requirement "$work/requirements.txt"
"$work/venv/bin/python" install/sbom.py "$fresh" > "$fresh/sbom.cdx.json"
chmod 755 "$fresh"

# From where it lies, as the launcher calls it; then all libraries that a gate needs.
installed() { (cd / && PYTHONPATH='' "$python" -c "import sys; sys.path[0] = '$fresh'; $1"); }
said=$(installed 'import edge; print(edge.__version__)') || said=nothing
[ "$said" = "$version" ] || die "got edge-gate $said where $version was expected"
installed 'import edge.commands.check, edge.commands.run, edge.service.supervisor, edge.sources.open' || die "what was installed does not start with $python"

rm -rf "$folder"
mv "$fresh" "$folder"
