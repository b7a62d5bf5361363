"""
The device files a gate needs: cameras, GPU, decoder; which are here, and may we open them?

JetPack 5 reaches its GPU through /dev/nvhost-*, JetPack 6 through /dev/nvgpu/*, /dev/nvidia*,
/dev/dri/renderD* and /dev/host1x-fence as well; a list that was right for one is not enough for
the next, so systemd's is written from what is on the box.
"""

import grp
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

GPU = (
    "nvmap",
    "nvidia*",
    "nvhost-*",
    "nvgpu/*/*",
    "nvsciipc",
    "host1x-fence",
    "dri/renderD*",
)
CODECS = ("v4l2-nv*", "nvidia-caps/*")
CAMERAS = ("video*", "media*")


@dataclass(frozen=True, slots=True)
class DeviceNode:
    """One device file."""

    path: str
    """As the running system names it."""
    kind: str
    """gpu, codec or camera."""
    group: str
    """That owns it; root where only root may."""
    usable: bool
    """Whether this process may read and write it."""


def device_nodes(root: Path = Path("/")) -> tuple[DeviceNode, ...]:
    """Return what is below /dev of the kinds above, sorted by path."""
    found: dict[Path, str] = {}
    for kind, patterns in (("gpu", GPU), ("codec", CODECS), ("camera", CAMERAS)):
        for pattern in patterns:
            for path in (root / "dev").glob(pattern):
                if not path.is_dir():
                    found.setdefault(path, kind)
    return tuple(_node(path, kind, root) for path, kind in sorted(found.items()))


def drop_in(nodes: tuple[DeviceNode, ...]) -> str:
    """
    Return a systemd drop-in that allows exactly the device files of this box.

    Cameras are allowed as a kind, because one plugged in later has a number that is not here yet.
    """
    fixed = [node for node in nodes if node.kind != "camera"]
    groups = sorted({node.group for node in nodes} - {"root"} | {"video"})
    lines = [
        "# /etc/systemd/system/edge-gate.service.d/devices.conf",
        "# Written by 'edge-gate doctor --device-dropin' from the device files of this machine;",
        "# write it again after a JetPack upgrade.",
        "[Service]",
        "DevicePolicy=closed",
        "DeviceAllow=char-video4linux rw",
        *(f"DeviceAllow={node.path} rw" for node in fixed),
        f"SupplementaryGroups={' '.join(groups)}",
    ]
    return "\n".join(lines) + "\n"


def current_groups() -> tuple[str, tuple[str, ...]]:
    """Return this user's name and the groups this process is in."""
    numbers = sorted({os.getegid(), *os.getgroups()})
    return _user_name(os.geteuid()), tuple(_group_name(number) for number in numbers)


def _node(path: Path, kind: str, root: Path) -> DeviceNode:
    return DeviceNode(
        path=f"/{path.relative_to(root)}",
        kind=kind,
        group=_group_name(path.stat().st_gid),
        usable=os.access(path, os.R_OK | os.W_OK),
    )


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
