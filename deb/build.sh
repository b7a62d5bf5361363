#!/bin/sh
# Makes the Debian package of a target; called by `make deb`, from the checkout.
#   deb/build.sh PYTHON ARCH TARGET_PYTHON FOLDER [OPTIONS_OF_DPKG_DEB]...
#
# PYTHON builds and downloads (a venv with pip and packaging); ARCH is amd64 or arm64, TARGET_PYTHON
# the Python of the system that it is for. Nothing of the target is run, so any machine makes both.
set -eu
umask 022
builder=$1 arch=$2 python=$3 out=$4
shift 4

die() { echo "deb: $*" >&2; exit 1; }
case $arch in
  amd64) machine=x86_64 ;;
  arm64) machine=aarch64 ;;
  *) die "DEB_ARCH is amd64 or arm64, not $arch" ;;
esac
case $python in
  3.10 | 3.11 | 3.12) next=3.$((${python#3.} + 1)) ;;
  *) die "DEB_PYTHON is 3.10 (Ubuntu 22.04, JetPack 6), 3.11 (Debian 12) or 3.12 (Ubuntu 24.04), not $python" ;;
esac
command -v dpkg-deb >/dev/null || die "dpkg-deb is missing: sudo apt-get install dpkg"
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' edge/__init__.py)
[ -n "$version" ] || die "call it from the folder of the checkout"
version=$version+py3${python#3.}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
maintainer=${DEB_MAINTAINER:-"edge-gate maintainers <maintainers@edge-gate.invalid>"}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$work"
root=$work/root
lib=$root/usr/lib/edge-gate doc=$root/usr/share/doc/edge-gate
mkdir -p "$work/source" "$work/own" "$work/wheels" "$root/DEBIAN" "$root/usr/share/man/man1" "$out"
pip() { "$builder" -m pip --quiet --disable-pip-version-check "$@"; }

# The program: built in a copy, so that no build files are left in the checkout.
cp -R pyproject.toml setup.py constraints.txt README.md LICENSE build_engines.py edge engines "$work/source"
pip wheel --no-deps --wheel-dir "$work/own" "$work/source"
"$builder" deb/wheels.py --python "$python" --machine "$machine" --into "$work/wheels" "$work"/own/*.whl
"$builder" deb/wheels.py --python "$python" --machine "$machine" --words > "$work/words"
# Not compiled: that is for the target's Python, when the package is configured.
xargs -a "$work/words" "$builder" -m pip --quiet --disable-pip-version-check install --no-deps --no-index \
  --no-compile --target "$lib" "$work"/own/*.whl "$work"/wheels/*.whl
# Programs of the libraries, and their tests.
rm -rf "$lib/bin" "$lib/share" "$lib/onnx/backend/test"
find "$lib" -type d \( -name tests -o -name __pycache__ \) -prune -exec rm -rf {} +

make --no-print-directory install-launcher install-service \
  DESTDIR="$root" PREFIX=/usr PYTHON=/usr/bin/python3 >/dev/null
rmdir "$root/etc/edge-gate" "$root/etc" # tmpfiles makes it, with the right owner
rm "$doc/LICENSE"                       # every system has the text of this one
mkdir -p "$doc/examples"
mv "$doc"/*.yaml "$doc/examples"

"$builder" deb/pages.py man "$version" | gzip -9n > "$root/usr/share/man/man1/edge-gate.1.gz"
"$builder" deb/pages.py copyright "$lib" > "$doc/copyright"
printf 'edge-gate (%s) stable; urgency=medium\n\n  * What is new is in CHANGELOG.md.\n\n -- %s  %s\n' \
  "$version" "$maintainer" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n > "$doc/changelog.gz"
cp CHANGELOG.md "$doc"
"$builder" install/sbom.py "$lib" > "$doc/sbom.cdx.json"
install -D -m 644 deb/lintian-overrides "$root/usr/share/lintian/overrides/edge-gate"

chmod -R u=rwX,go=rX "$root"
find "$lib" -type f -exec chmod 644 {} +
cp deb/postinst deb/prerm deb/postrm "$root/DEBIAN"
chmod 755 "$root"/DEBIAN/*
sed -e "s|@VERSION@|$version|; s|@ARCH@|$arch|; s|@PYTHON@|$python|g; s|@NEXT@|$next|" \
  -e "s|@MAINTAINER@|$maintainer|; s|@SIZE@|$(du -sk --exclude=DEBIAN "$root" | cut -f1)|" \
  deb/control.in > "$root/DEBIAN/control"
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum > DEBIAN/md5sums)
dpkg-deb --root-owner-group "$@" --build "$root" "$out/edge-gate_${version}_$arch.deb" >/dev/null
echo "$out/edge-gate_${version}_$arch.deb"
