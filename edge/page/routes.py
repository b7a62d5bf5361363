"""What each path answers, behind the checks of `edge.page.access`."""

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from urllib.parse import parse_qs, unquote

from edge.errors import ConfigError
from edge.page.access import bearer, is_foreign, is_own_host
from edge.page.http_messages import Refusal, Request, Response, see_other, words_response
from edge.page.sessions import Sessions, is_same, no_cookie
from edge.page.wrong_tokens import WrongTokens

SCRIPTS = (
    "amounts.js", "apply.js", "area.js", "camera.js", "cameras.js", "faces.js", "history.js",
    "live.js", "page.js", "threshold.js",
)  # fmt: skip
HTML, STYLE = "text/html; charset=utf-8", "text/css; charset=utf-8"
SCRIPT = "text/javascript; charset=utf-8"
STATIC = {
    "/page.css": ("page.css", STYLE),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    **{f"/{name}": (name, SCRIPT) for name in SCRIPTS},
}
"""Open to everybody: they show nothing."""


@dataclass(frozen=True, slots=True)
class Gatekeeping:
    """Who may ask."""

    token: str | None
    """None lets everybody in who reaches the address."""
    names: frozenset[str]
    """Of this machine, in lower case."""
    secure: bool = False
    """Whether it is served over TLS."""
    sessions: Sessions = field(default_factory=Sessions)
    wrong_tokens: WrongTokens = field(default_factory=WrongTokens)


@cache
def static_file(name: str, package: str = "edge.page") -> bytes:
    """Return a file that came with the program, in the folder `static` of a package."""
    return (files(package) / "static" / name).read_bytes()


Get = Callable[[Request], Response]
CameraResponse = Callable[[str, Request], Response]


@dataclass(frozen=True, slots=True)
class Routes:
    """The paths of one page; camera names are taken out of them."""

    plain: Mapping[str, Get]
    """By path."""
    open_to_all: Mapping[str, Get]
    """By path; asked without a token, they say no more than yes or no."""
    of_cameras: Mapping[str, CameraResponse]
    """Questions, by the last part of /api/cameras/NAME/…."""
    orders: Mapping[str, CameraResponse]
    """What changes something, by the same: posted."""


def answer(request: Request, keeping: Gatekeeping, routes: Routes) -> Response:
    """
    Return the answer to one request; called by many threads at once.

    Args:
        request: What is asked.
        keeping: Who may ask.
        routes: What is answered.
    """
    try:
        return _answer(request, keeping, routes)
    except Refusal as refusal:
        return words_response(refusal.status, str(refusal))
    except ConfigError as error:
        return words_response(HTTPStatus.CONFLICT, str(error))


def _answer(request: Request, keeping: Gatekeeping, routes: Routes) -> Response:
    if not is_own_host(request.headers.get("host", ""), keeping.names):
        raise Refusal(
            HTTPStatus.MISDIRECTED_REQUEST, "not a name of this gate; see page.hosts, or use its IP"
        )
    if _is_foreign(request):
        raise Refusal(HTTPStatus.FORBIDDEN, "asked by a page of another site")
    if request.method == "GET" and request.path in STATIC:
        name, media_type = STATIC[request.path]
        return Response(HTTPStatus.OK, media_type, static_file(name))
    if request.method == "GET" and request.path in routes.open_to_all:
        return _yes_or_no(routes.open_to_all[request.path](request), request, keeping)
    if request.path in ("/login", "/logout"):
        return _session(request, keeping)
    if not _is_let_in(request, keeping):
        return _turned_away(request)
    return _inside(request, routes)


def _is_foreign(request: Request) -> bool:
    try:
        return is_foreign(request.method, request.headers)
    except ValueError:
        raise Refusal(HTTPStatus.BAD_REQUEST, "the Origin is none") from None


def _is_let_in(request: Request, keeping: Gatekeeping) -> bool:
    if keeping.token is None:
        return True
    given = bearer(request.headers)
    if given is not None:
        return _is_token(given, request, keeping)
    return keeping.sessions.is_open(request.headers, keeping.token, time.time())


def _is_token(given: str, request: Request, keeping: Gatekeeping) -> bool:
    wait_s = keeping.wrong_tokens.wait_s(request.peer)
    if wait_s > 0:
        raise Refusal(
            HTTPStatus.TOO_MANY_REQUESTS, f"too many wrong tokens; wait {math.ceil(wait_s)} s"
        )
    if is_same(given, keeping.token or ""):
        return True
    keeping.wrong_tokens.note(request.peer)
    return False


def _yes_or_no(full: Response, request: Request, keeping: Gatekeeping) -> Response:
    try:
        if _is_let_in(request, keeping):
            return full
    except Refusal:  # a probe with an old token still is one
        pass
    return words_response(full.status, "yes" if full.status == HTTPStatus.OK else "no")


def _turned_away(request: Request) -> Response:
    if request.path == "/":
        return see_other("/login")
    headers = {"WWW-Authenticate": 'Bearer realm="edge-gate"'}
    return Response(HTTPStatus.UNAUTHORIZED, body=b"a token is needed\n", headers=headers)


def _session(request: Request, keeping: Gatekeeping) -> Response:
    host = request.headers.get("host", "")
    if request.path == "/logout":
        _require(request.method == "POST", HTTPStatus.METHOD_NOT_ALLOWED, "POST only")
        keeping.sessions.end(request.headers, keeping.token or "", time.time())
        return see_other("/login", {"Set-Cookie": no_cookie(host)})
    if keeping.token is None:
        return see_other("/")
    if request.method == "GET":
        return Response(HTTPStatus.OK, HTML, static_file("login.html"))
    given = parse_qs(request.body.decode("utf-8", "replace")).get("token", [""])[0]
    if not _is_token(given.strip(), request, keeping):
        return Response(HTTPStatus.FORBIDDEN, HTML, _login_refused())
    cookie = keeping.sessions.new_cookie(host, keeping.token, time.time(), secure=keeping.secure)
    return see_other("/", {"Set-Cookie": cookie})


def _login_refused() -> bytes:
    return static_file("login.html").replace(
        b'<p id="refused" hidden>', b'<p id="refused" role="alert">'
    )


def _inside(request: Request, routes: Routes) -> Response:
    if request.path in routes.plain:
        _require(request.method == "GET", HTTPStatus.METHOD_NOT_ALLOWED, "GET only")
        return routes.plain[request.path](request)
    match request.path.split("/"):
        case ["", "api", "cameras", name, what] if what in routes.of_cameras:
            _require(request.method == "GET", HTTPStatus.METHOD_NOT_ALLOWED, "GET only")
            return routes.of_cameras[what](unquote(name), request)
        case ["", "api", "cameras", name, what] if what in routes.orders:
            _require(request.method == "POST", HTTPStatus.METHOD_NOT_ALLOWED, "POST only")
            return routes.orders[what](unquote(name), request)
    raise Refusal(HTTPStatus.NOT_FOUND, "there is no such page; / is the live page")


def posted_json(request: Request) -> Mapping[str, object]:
    """
    Return the object in a body.

    Raises:
        Refusal: It is none; a form of another site cannot send this media type.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    _require(kind == "application/json", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send JSON")
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError):  # also what is nested deeper than Python stands
        raise Refusal(HTTPStatus.BAD_REQUEST, "the body is no JSON") from None
    _require(isinstance(document, dict), HTTPStatus.BAD_REQUEST, "the body is no JSON object")
    return dict(document)


def threshold_in(value: object) -> float:
    """
    Return a quality score that was asked for.

    Raises:
        Refusal: It is no number from 0 to 100.
    """
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    _require(0 <= number <= 100, HTTPStatus.BAD_REQUEST, "a threshold is a number from 0 to 100")
    return number


def count_in(value: str) -> int:
    """
    Return a number of a frame or a face that was asked for.

    Raises:
        Refusal: It is no whole number, 0 or above.
    """
    is_count = value.isascii() and value.isdecimal() and len(value) < 16
    _require(is_count, HTTPStatus.BAD_REQUEST, "a whole number is needed")
    return int(value)


def _require(granted: bool, status: int, words: str) -> None:
    if not granted:
        raise Refusal(status, words)
