"""Findings about the service's surroundings: its user, groups, folders, what it may read."""

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.diagnosis.device_nodes import DeviceNode, drop_in
from edge.diagnosis.doctor import Finding

USER = "edge-gate"
GROUPS = ("render", "video")
"""Which the units name: without them systemd starts nothing (216/GROUP)."""
UNITS = ("edge-gate", "edge-gate-csi")
PLACES = (
    "etc/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
)
"""Where units are, below the root folder."""
CACHE = "var/cache/edge-gate"


@dataclass(frozen=True, slots=True)
class Account:
    """Who the service is to the file system."""

    user: int
    groups: frozenset[int]


def service_findings(
    nodes: Sequence[DeviceNode] = (), reads: Sequence[Path] = (), root: Path = Path("/")
) -> Iterator[Finding]:
    """
    Yield what would keep the service from starting, or from its files.

    Args:
        nodes: The device files of this machine.
        reads: What the service's configuration names, and the configuration itself.
        root: Another one in tests.
    """
    if not any((root / place / "edge-gate.service").exists() for place in PLACES):
        yield Finding("service", "note", "not installed here", "see docs/service.md")
        return
    groups = _numbers(root / "etc/group")
    missing = [f"group {name}" for name in GROUPS if name not in groups]
    account = _account(root)
    if account is None:
        missing.append(f"user {USER}")
    if missing:
        text = f"{', '.join(missing)}: not here, so that the service cannot start"
        yield Finding("service user", "problem", text, "sudo systemd-sysusers")
    else:
        yield Finding("service user", "ok", f"{USER}, and the groups {', '.join(GROUPS)}")
    yield from _drop_in_findings(nodes, root)
    if account is not None:
        yield from _right_findings(account, (root / CACHE, *reads))


def _drop_in_findings(nodes: Sequence[DeviceNode], root: Path) -> Iterator[Finding]:
    folders = [root / PLACES[0] / f"{unit}.service.d" for unit in UNITS]
    if missing := [folder for folder in folders if not folder.is_dir()]:
        text = f"{', '.join(map(str, missing))}: not here"
        yield Finding("drop-in folders", "problem", text, "sudo systemd-tmpfiles --create")
    fixed = [node for node in nodes if node.kind != "camera"]
    if not fixed:
        return
    written = [folder / "devices.conf" for folder in folders if (folder / "devices.conf").exists()]
    command = "edge-gate doctor --device-dropin | sudo tee"
    if not written:
        text = "the service may not use the GPU's device files"
        yield Finding("drop-in", "problem", text, f"{command} {folders[0] / 'devices.conf'}")
    for path in written:
        if path.read_text() == drop_in(tuple(nodes)):
            yield Finding("drop-in", "ok", f"{path} allows the device files of this machine")
        else:
            text = f"{path} is not what this machine's device files ask for"
            yield Finding("drop-in", "note", text, f"{command} {path}")


def _right_findings(account: Account, places: Sequence[Path]) -> Iterator[Finding]:
    for place in places:
        try:
            closed = _closed(place, account)
        except PermissionError:
            text = f"{place}: you may not look into it; ask again as root"
            yield Finding("rights", "note", text, "sudo edge-gate doctor")
            continue
        if closed is None:
            yield Finding("rights", "ok", f"{USER} may read {place}")
        elif closed == place and not place.exists():
            made = "sudo systemd-tmpfiles --create" if place.name == USER else f"make {place}"
            yield Finding("rights", "problem", f"{place}: not here", made)
        else:
            remedy = f"sudo chgrp -R {USER} {closed} && sudo chmod -R g+rX {closed}"
            yield Finding("rights", "problem", f"{USER} may not read {closed}", remedy)


def _closed(place: Path, account: Account) -> Path | None:
    """
    Return what of a path an account may not read: a folder above it, itself, or something in it.

    Raises:
        PermissionError: Whoever asks may not look.
    """
    if not place.exists():
        return place
    for above in reversed(place.resolve().parents):
        if not _may(above, account, stat.S_IXOTH):
            return above
    for each in (place, *sorted(place.rglob("*"))):
        wanted = stat.S_IROTH | (stat.S_IXOTH if each.is_dir() else 0)
        if not _may(each, account, wanted):
            return each
    return None


def _may(path: Path, account: Account, wanted: int) -> bool:
    """Tell it as the kernel does, by the mode of owner, group or others; ACLs are not looked at."""
    found = path.stat()
    shift = 6 if found.st_uid == account.user else 3 if found.st_gid in account.groups else 0
    return (found.st_mode >> shift) & wanted == wanted


def _account(root: Path) -> Account | None:
    for line in _lines(root / "etc/passwd"):
        name, _, number, group, *_ = line.split(":")
        if name == USER:
            groups = _numbers(root / "etc/group")
            also = {groups[each] for each in (*GROUPS, USER) if each in groups}
            return Account(int(number), frozenset({int(group), *also}))
    return None


def _numbers(path: Path) -> dict[str, int]:
    split = (line.split(":") for line in _lines(path))
    return {words[0]: int(words[2]) for words in split if len(words) > 2}


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text().splitlines() if line.count(":") > 2]
    except OSError:
        return []
