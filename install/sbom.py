"""
Print a bill of materials (CycloneDX 1.5), made of what installed packages say of themselves.

    python install/sbom.py [FOLDER] > sbom.cdx.json      # without FOLDER: this environment

The same folder gives the same bytes.
"""

import json
import re
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from typing import Any

PROGRAM = "edge-gate"


def bill(found: Iterable[Distribution]) -> dict[str, Any]:
    """
    Return the bill of the distributions; the program is its subject, the others its components.

    Fields as https://cyclonedx.org/docs/1.5/json/ has them.
    """
    parts = {_plain(each.metadata["Name"]): each for each in found}
    others = [_component(parts[name]) for name in sorted(parts) if name != PROGRAM]
    subject = {"type": "application", "name": PROGRAM, "bom-ref": PROGRAM}
    program = parts.get(PROGRAM)
    if program is not None:
        subject = {**_component(program), "type": "application"}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": subject},
        "components": others,
        "dependencies": [_dependencies(parts[name], parts) for name in sorted(parts)],
    }


def _component(part: Distribution) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": _address(part),
        "name": part.metadata["Name"],
        "version": part.version,
        "purl": _address(part),
    }
    licence = _licence(part)
    return {**component, "licenses": [licence]} if licence else component


def _licence(part: Distribution) -> dict[str, Any] | None:
    """Return an SPDX expression, or what the package calls its licence."""
    fields = part.metadata.json
    if fields.get("license_expression"):
        return {"expression": str(fields["license_expression"])}
    stated = str(fields.get("license") or "")
    classes = [
        each.rpartition(" :: ")[2]
        for each in part.metadata.get_all("Classifier", [])
        if each.startswith("License ::")
    ]
    # Some put the whole text where its name belongs.
    name = stated if 0 < len(stated) < 100 and "\n" not in stated else ", ".join(classes)
    return {"license": {"name": name}} if name else None


def _address(part: Distribution) -> str:
    """Return the package URL, as the purl specification spells those of PyPI."""
    return f"pkg:pypi/{_plain(part.metadata['Name'])}@{part.version}"


def _plain(name: str) -> str:
    """Return the one spelling of a name (PyPA, name normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _dependencies(part: Distribution, parts: dict[str, Distribution]) -> dict[str, Any]:
    wanted = {
        _plain(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0])
        for line in part.requires or []
        if "extra ==" not in line
    }
    here = sorted(_address(parts[name]) for name in wanted if name in parts)
    return {"ref": _address(part), "dependsOn": here}


def main() -> None:
    """Print the bill of a folder, or of this environment."""
    found = distributions(path=sys.argv[1:2]) if sys.argv[1:] else distributions()
    print(json.dumps(bill(found), indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
