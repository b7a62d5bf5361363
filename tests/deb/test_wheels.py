"""What a package carries is chosen for its target, whatever makes it."""

import hashlib
import zipfile

import pytest

from deb.wheels import download_words, missing, pins, strangers, target

ORIN = target("3.10", "aarch64")
PINS = (
    "# a comment",
    'numpy==2.2.6 ; python_version < "3.11"',
    'numpy==2.4.6 ; python_version >= "3.11"',
    "typing-extensions==4.16.0",
)


def wheel(folder, name, *requires):
    path = folder / f"{name}-1.0-py3-none-any.whl"
    lines = ("Metadata-Version: 2.1", f"Name: {name}", *(f"Requires-Dist: {r}" for r in requires))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}-1.0.dist-info/METADATA", "\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(("python", "numpy"), [("3.10", "2.2.6"), ("3.12", "2.4.6")])
def test_versions_are_those_pinned_for_the_python_of_the_target(python, numpy):
    assert pins(PINS, target(python, "aarch64"))["numpy"] == numpy


def test_requirements_are_those_of_the_target_and_each_is_named_with_its_version(tmp_path):
    program = wheel(
        tmp_path,
        "program",
        "numpy>=2",
        'only-here; platform_machine == "x86_64"',
        'not-any-more; python_version >= "3.11"',
        'for-tests; extra == "dev"',
    )
    known = pins(PINS, ORIN)
    assert missing([program], known, ORIN) == {"numpy==2.2.6"}
    numpy = wheel(tmp_path, "numpy", "Typing_Extensions")
    assert missing([program, numpy], known, ORIN) == {"typing-extensions==4.16.0"}
    extensions = wheel(tmp_path, "typing_extensions")
    assert missing([program, numpy, extensions], known, ORIN) == set()


@pytest.mark.parametrize("requirement", ["unknown", "numpy>=3"])
def test_what_is_not_pinned_or_pinned_too_low_is_an_error(tmp_path, requirement):
    with pytest.raises(SystemExit, match=rf"program-1.0.*{requirement}"):
        missing([wheel(tmp_path, "program", requirement)], pins(PINS, ORIN), ORIN)


def test_wheels_are_asked_for_that_run_on_the_target():
    words = download_words(ORIN)
    assert {"--python-version=3.10", "--abi=cp310", "--abi=abi3"} <= set(words)
    platforms = [word for word in words if word.startswith("--platform=")]
    assert "--platform=manylinux_2_35_aarch64" in platforms
    assert "--platform=manylinux_2_36_aarch64" not in platforms


def test_a_wheel_of_another_hash_is_a_stranger(tmp_path):
    known, unknown = wheel(tmp_path, "known"), wheel(tmp_path, "unknown", "numpy")
    digest = hashlib.sha256(known.read_bytes()).hexdigest()
    assert strangers([known, unknown], f"known==1.0 --hash=sha256:{digest}") == [unknown.name]
