"""Try a camera until it shows a picture: which scheme, which login."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from edge.commissioning.addresses import Candidate, candidates
from edge.commissioning.questions import Questions
from edge.commissioning.secret_files import SecretFiles
from edge.config.delivery import Secret
from edge.config.section import first_mistake
from edge.config.source import SourceSettings
from edge.errors import LoginRefusedError, SourceError, UsageError
from edge.pipeline.trial import one_frame

MOST_LOGINS = 3
"""Asked for one camera: many lock an account after five."""
LOGIN_FLAG = "--login-file FILE (it holds user:password)"


@dataclass(frozen=True, slots=True)
class Camera:
    """A source that gave a picture."""

    name: str
    settings: SourceSettings
    """The address without a login in it."""
    size: tuple[int, int]
    """Height and width of its first picture."""


@dataclass(frozen=True, slots=True)
class Trials:
    """What it takes to try cameras."""

    ask: Questions
    secrets: SecretFiles
    say: Callable[[str], None]
    login: str | None = None
    """As `user:password`, given beforehand."""

    def camera(self, address: str, name: str) -> Camera:
        """
        Return a camera with its first picture.

        Args:
            address: As somebody typed it.
            name: Of the source.

        Raises:
            SourceError: It gives no picture; the message names each thing that was tried.
            UsageError: It is no address, or a question was not answered.
        """
        meant, problems = candidates(address), list[str]()
        for candidate in meant:
            self.say(f"trying {candidate.uri} …")
            try:
                found = self._shown(candidate, name)
            except SourceError as error:
                if isinstance(error, LoginRefusedError):
                    raise  # it is there
                problems.append(str(error))
                continue
            if len(meant) == 1 or self._is_meant(candidate):
                return found
        raise SourceError("\n".join(problems) or f"{address} is none of these")

    def _is_meant(self, candidate: Candidate) -> bool:
        return self.ask.sure(f"{candidate.uri} shows a picture. Is it that", "--yes", default=True)

    def _shown(self, candidate: Candidate, name: str) -> Camera:
        login = candidate.login
        for attempt in range(MOST_LOGINS + 1):
            settings = self._settings(candidate, name, login)
            try:
                height, width = one_frame(settings).pixels.shape[:2]
                return Camera(name, settings, (height, width))
            except LoginRefusedError as error:
                if attempt == MOST_LOGINS or (self.login is not None and login == self.login):
                    raise
                self.say("  it asks for a login" if login is None else f"  {error}")
            login = self._asked_login()
        raise SourceError(f"{candidate.uri}: no login was accepted")

    def _settings(self, candidate: Candidate, name: str, login: str | None) -> SourceSettings:
        keys = {} if login is None else {"login": self._kept(name, login)}
        try:
            return SourceSettings.model_validate({"name": name, "uri": candidate.uri, **keys})
        except ValidationError as error:
            _, words = first_mistake(error)
            raise UsageError(f"--name {name}, {candidate.uri}: {words}") from error

    def _asked_login(self) -> str:
        if self.login is not None:
            return self.login
        user = self.ask.text("  user", LOGIN_FLAG)
        return f"{user}:{self.ask.secret('  password', LOGIN_FLAG)}"

    def _kept(self, name: str, login: str) -> Secret:
        file = self.secrets.keep(f"login-{name.lower()}", login)
        return Secret(name=f"login-{name.lower()}", file=file)


def given_login(file: str | None, read_input: Callable[[], str]) -> str | None:
    """
    Return the login of `--login-file`.

    Raises:
        SourceError: It cannot be read, or is not written user:password.
    """
    if file is None:
        return None
    try:
        text = read_input() if file == "-" else Path(file).read_text("utf-8")
    except (OSError, ValueError) as error:
        raise SourceError(f"--login-file {file} cannot be read: {error}") from error
    login = text.splitlines()[0] if text.splitlines() else ""
    if ":" not in login:
        raise SourceError(f"--login-file {file} does not hold user:password")
    return login
