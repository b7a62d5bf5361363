"""
Why a network camera cannot be opened, with the part that somebody must correct.

FFmpeg says what a camera answered, and of one that does not answer next to nothing: an unknown host
is an "Input/output error", one that is silent sends "Invalid data". So such a camera is asked for
once more, by a mere connection.
"""

import errno
import socket
from urllib.parse import urlsplit

from av import error as av_error

from edge.config.source import SourceSettings
from edge.config.uri import SourceUri
from edge.errors import LoginRefusedError, SourceError
from edge.sources.network.camera_tls import PORTS, tls_problem

STATUSES: dict[type[av_error.FFmpegError], int] = {
    av_error.HTTPUnauthorizedError: 401,
    av_error.HTTPForbiddenError: 403,
    av_error.HTTPNotFoundError: 404,
    av_error.HTTPServerError: 500,
    av_error.HTTPBadRequestError: 400,
    av_error.HTTPOtherClientError: 400,
}
SHORTEST_S = 0.5


def refusal(uri: SourceUri, settings: SourceSettings, error: av_error.FFmpegError) -> SourceError:
    """
    Return what to raise of a camera that could not be opened; without credentials.

    Takes as long as opening may take, at most.
    """
    status = _status(error)
    if status in (401, 403):
        return login_refused(uri, settings, status)
    return SourceError(f"{uri} cannot be opened: {_cause(uri, settings, error, status)}")


def login_refused(uri: SourceUri, settings: SourceSettings, status: int) -> LoginRefusedError:
    """
    Return what to raise of a camera that answers 401 or 403.

    Args:
        uri: With the login, if one was given.
        settings: Of the source.
        status: Of RTSP or HTTP.
    """
    if "@" not in uri.address:
        return LoginRefusedError(
            f"{uri}: the camera asks for a login ({status}), and none is given: "
            "name the secret that holds user:password under login"
        )
    place = "in uri" if settings.login is None else f"of the secret {settings.login.name!r}"
    if status == 401:
        return LoginRefusedError(
            f"{uri}: the camera refuses the login (401): correct user and password {place}"
        )
    return LoginRefusedError(
        f"{uri}: the camera knows the login and forbids this (403): give the user {place} the "
        "right to view; the account may also be locked"
    )


def _status(error: av_error.FFmpegError) -> int | None:
    """Return the status of HTTP or RTSP that FFmpeg tells apart; 500 and 400 stand for others."""
    return STATUSES.get(type(error))


def _cause(
    uri: SourceUri, settings: SourceSettings, error: av_error.FFmpegError, status: int | None
) -> str:
    look = f"look at it with: ffplay {str(uri)!r}"
    if status == 404:
        return f"the camera is there, and has nothing at this path (404): correct it; {look}"
    if status is not None:
        return f"the camera refuses this ({error.strerror}): check path and port; {look}"
    if error.errno == errno.EPROTONOSUPPORT and uri.scheme == "rtsp":  # RTSP's 461, RFC 2326
        other = "udp" if settings.transport == "tcp" else "tcp"
        return f"it does not send by transport: {settings.transport}; set transport: {other}"
    found = tls_problem(uri, settings) or _unreached(uri, settings)
    return found or (
        f"it answers, but gives no video within {settings.open_timeout:g} s ({error.strerror}): "
        f"check port and path; {look}"
    )


def _unreached(uri: SourceUri, settings: SourceSettings) -> str | None:
    """Connect once; return what is wrong with host or port, None when somebody is there."""
    parts = urlsplit(uri.address)
    host, port = parts.hostname or "", parts.port or PORTS[uri.scheme]
    try:
        with socket.create_connection((host, port), max(SHORTEST_S, settings.open_timeout / 2)):
            return None
    except socket.gaierror as error:
        return f"the host {host} is not known ({error.strerror}): correct its name, or give its IP"
    except ConnectionRefusedError:
        return f"the host is there, and nothing listens at port {port}: correct the port"
    except TimeoutError:
        return f"nobody answers at {host}, port {port}: is it switched on, and the address right?"
    except OSError as error:
        return f"{host} cannot be reached ({error.strerror}): check network and address"
