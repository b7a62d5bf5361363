"""
A machine in a folder: a root folder of its own, and on request a real systemd in it.

    with Box(layers, tmp_path / "box") as box:        # layers: see tests.system.root_folder
        box.run("apt-get", "install", "-y", "tree")   # as in a chroot, network and all
        box.start()                                   # systemd as PID 1, a network of loopback only
        box.run("systemctl", "is-active", "dbus")     # inside of that
        box.stop()                                    # as pulling the plug
    with Box(box.layers, tmp_path / "next") as box:   # goes on from there; what was is not changed

Nothing is left of a box when its process ends, however that comes about: mounts belong to
namespaces, and the kernel ends systemd with its parent.
"""

import select
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
PATIENCE_S = 120
"""For a machine with other things to do; nothing is measured by it."""
LONGEST_S = 1200
"""For one command: a download that hangs ends the tests, with its name."""
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NSENTER = shutil.which("nsenter") or "nsenter"
JOIN = 'echo $$ > "$1/cgroup.procs"; shift; exec setpriv --pdeathsig KILL "$@"'
UNSHARE = (
    *("unshare", "--fork", "--kill-child", "--pid", "--mount", "--uts", "--ipc", "--net"),
    *("--cgroup", "sh"),
)
UNTIL_UP = """\
until state=$(systemctl is-system-running 2>&1); [ "$state" = running ] || [ "$state" = degraded ]
do sleep 0.2
done
"""
ENVIRONMENT = {"PATH": SEARCH_PATH, "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb"}


class BoxError(RuntimeError):
    """A command failed in a box, or the box cannot be made."""


class Box:
    """A root folder over read-only layers; what is changed in it stays in its scratch folder."""

    def __init__(
        self, layers: Sequence[Path], scratch: Path, binds: Mapping[Path, str] | None = None
    ) -> None:
        """
        Prepare; `with` makes it.

        Args:
            layers: Root folders, the uppermost first; not changed.
            scratch: Made when missing, and the box's own afterwards; not on an overlay itself.
            binds: Folders and files of this machine, and where the box sees them.
        """
        self._below, self._scratch, self._binds = tuple(layers), scratch, dict(binds or {})
        self._holder: subprocess.Popen[str] | None = None
        self._systemd: subprocess.Popen[bytes] | None = None
        self._cgroup: Path | None = None

    @property
    def layers(self) -> tuple[Path, ...]:
        """What is in the box, as the layers of another one; use them when this one is closed."""
        return (self._scratch / "changes", *self._below)

    def __enter__(self) -> "Box":  # noqa: PYI034 -- Self is not in Python 3.10
        for name in ("changes", "work", "root"):
            (self._scratch / name).mkdir(parents=True, exist_ok=True)
        options = (
            f"lowerdir={':'.join(map(str, self._below))},"
            f"upperdir={self._scratch / 'changes'},workdir={self._scratch / 'work'}"
        )
        binds = [word for pair in self._binds.items() for word in map(str, pair)]
        script = (HERE / "hold_root.sh").read_text()
        words = ["unshare", "--mount", "--uts", "sh", "-c", script, "sh"]
        self._holder = subprocess.Popen(
            [*words, self._scratch / "root", options, *binds],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "held\n":
            raise BoxError(self._holder.communicate()[1])
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
        assert self._holder is not None
        self._holder.communicate()

    def path(self, inside: str) -> Path:
        """Return a path of this machine for one of the box; links in it must be relative."""
        assert self._holder is not None
        return Path(f"/proc/{self._holder.pid}/root") / inside.lstrip("/")

    def popen(self, *words: str | Path, **options: object) -> "subprocess.Popen[str]":
        """Begin a command in the box: beside systemd when that runs, else as in a chroot."""
        command = [*self._enter(), *map(str, words)]
        return subprocess.Popen(command, env=ENVIRONMENT, text=True, **options)  # type: ignore[call-overload]

    def run(
        self,
        *words: str | Path,
        check: bool = True,
        online: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        """
        Run a command in the box as root and return what it said.

        Args:
            words: The command.
            check: Raise when it fails.
            online: On this machine's network, even when systemd runs and has one of its own.
            environment: Beside PATH, HOME and the language.

        Raises:
            BoxError: It failed, with all that it said; not with `check=False`.
        """
        done = subprocess.run(
            [*self._enter(online=online), *map(str, words)],
            env=ENVIRONMENT | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=LONGEST_S,
        )
        if check and done.returncode:
            said = f"{done.stdout}{done.stderr}"
            raise BoxError(f"{' '.join(map(str, words))}: exit code {done.returncode}\n{said}")
        return done

    def sh(self, script: str, *, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a shell script in the box."""
        return self.run("sh", "-ec", script, check=check)

    def start(self) -> None:
        """
        Boot: systemd is PID 1, in a network of loopback only.

        Raises:
            BoxError: It does not come up, with what it said.
        """
        assert self._holder is not None
        self._cgroup = cgroup_root() / f"edge-gate-box-{self._holder.pid}"
        self._cgroup.mkdir()
        script = (HERE / "start_systemd.sh").read_text()
        with (self._scratch / "console.log").open("wb") as console:
            self._systemd = subprocess.Popen(
                ["sh", "-c", JOIN, "sh", self._cgroup, *self._enter(), *UNSHARE, "-c", script],
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )
        try:
            self.run("timeout", str(PATIENCE_S), "sh", "-c", UNTIL_UP)
        except BoxError as error:
            said = (self._scratch / "console.log").read_text(errors="replace")
            raise BoxError(f"systemd does not come up: {error}\n{said}") from error

    def stop(self) -> None:
        """Pull the plug, when it is running."""
        if self._systemd is None or self._cgroup is None:
            return
        self._systemd.kill()
        self._systemd.wait(PATIENCE_S)
        self._systemd = None
        remove_cgroup(self._cgroup)

    def _enter(self, *, online: bool = False) -> list[str]:
        """Return what puts a command into the box."""
        assert self._holder is not None
        of_root = ("--mount", "--uts", "--root", "--wd")
        if self._systemd is None:
            return [NSENTER, f"--target={self._holder.pid}", *of_root]
        of_systemd = ("--ipc", "--pid", "--cgroup", *(() if online else ("--net",)))
        return [NSENTER, f"--target={child_of(self._systemd)}", *of_root, *of_systemd]


def child_of(parent: "subprocess.Popen[bytes]") -> int:
    """Return the process that `unshare` made, as soon as it is there."""
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    while parent.poll() is None:
        if found := children.read_text().split():
            return int(found[0])
        select.select([], [], [], 0.05)
    raise BoxError(f"the first process ended at once, with exit code {parent.returncode}")


def cgroup_root() -> Path:
    """Return where this machine's version 2 control groups are mounted."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    raise BoxError("this machine has no control groups of version 2")


def remove_cgroup(group: Path) -> None:
    """Remove a control group whose processes have been killed, and those within it."""
    folders = [group, *sorted(path for path in group.rglob("*") if path.is_dir())]
    for folder in reversed(folders):
        while "populated 1" in (folder / "cgroup.events").read_text():
            select.select([], [], [], 0.05)
        folder.rmdir()
