"""Put an engine pair into its folder all at once: half a pair never lies where one is expected."""

import errno
import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from engines.errors import PairError, PairIntegrityError
from engines.pair.manifest import MANIFEST_NAME, FileRecord
from engines.tensorrt.load_gate import PlanFile
from engines.whole_file import PART
from engines.whole_folder import is_filled_in_place, whole_folder


def require_destination(out: Path) -> None:
    """
    Refuse to replace anything but an engine pair or an empty folder.

    Raises:
        PairError: Something else is there, or a pair that cannot be replaced at once.
    """
    if not out.exists() and not out.is_symlink():
        return
    names = {path.name for path in out.iterdir()} if out.is_dir() else {""}
    names = {name for name in names if not name.startswith(PART)}
    if names and MANIFEST_NAME not in names:
        raise PairError(f"{out}: exists and is no engine pair; name another folder")
    if names and is_filled_in_place(out):
        raise PairError(
            f"{out}: the pair there cannot be replaced at once, because {out.resolve().parent} "
            "cannot be written; empty the folder, or name another one"
        )


@contextmanager
def replaced_at_once(out: Path) -> Iterator[Path]:
    """
    Yield an empty folder that becomes `out` when the block ends well, and vanishes otherwise.

    An engine pair at `out` stays in place, usable, until then; see `whole_folder`.

    Raises:
        PairError: `out` holds something else, or cannot be written.
    """
    require_destination(out)
    with ExitStack() as stack:
        try:
            fresh = stack.enter_context(whole_folder(out, MANIFEST_NAME))
        except OSError as error:
            raise PairError(
                f"{out}: {error.strerror}; name a folder that can be written"
            ) from error
        with _named(out):
            yield fresh
        require_destination(out)  # again: building takes minutes


@contextmanager
def _named(out: Path) -> Iterator[None]:
    """Name the folder that filled its disk: what fails to write does not say where."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise PairError(f"{out}: {error.strerror}; make room, then build it again") from error


def checked_plan(folder: Path, file: FileRecord, rebuild: str) -> PlanFile:
    """
    Return a plan, which a library reads itself; checks as `checked_content` does.

    Args:
        folder: The pair's.
        file: Of its manifest.
        rebuild: The command that builds it anew.
    """
    checked_content(folder, file)
    return PlanFile(folder / file.name, rebuild, file.sha256)


def checked_content(folder: Path, file: FileRecord) -> bytes:
    """
    Return a file's content after comparing its hash with the manifest.

    Raises:
        PairIntegrityError: Missing, or not the promised one.
    """
    path = folder / file.name
    advice = "the file was swapped, edited or cut short; build the pair again"
    try:
        size = path.stat().st_size
        if size != file.bytes:  # before reading: it may be of any size
            raise PairIntegrityError(
                f"{path}: has {size:,} bytes, the manifest says {file.bytes:,}: {advice}"
            )
        content = path.read_bytes()
    except OSError as error:
        raise PairIntegrityError(f"{path}: {error.strerror}; build the pair again") from error
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise PairIntegrityError(
            f"{path}: SHA-256 is {found}, the manifest says {file.sha256}: {advice}"
        )
    return content
