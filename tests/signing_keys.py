"""Keys that sign engine pairs, made by OpenSSL as the documentation tells."""

import subprocess
from pathlib import Path


def openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def make_keys(folder: Path, name: str, *words: str) -> tuple[Path, Path]:
    """Return a private key and its public one."""
    private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    openssl("genpkey", "-algorithm", "ed25519", "-out", private, *words)
    extra = ("-passin", "pass:known") if words else ()
    openssl("pkey", "-in", private, "-pubout", "-out", public, *extra)
    return private, public
