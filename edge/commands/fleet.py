"""`edge-gate fleet`: one page of all gates that a broker knows, and a threshold for them."""

import argparse
import re
import signal
import threading
from contextlib import closing
from functools import cache
from getpass import getpass

from pydantic import ValidationError

from edge.config.delivery import Secret
from edge.config.page import PageSettings
from edge.config.section import first_mistake
from edge.errors import UsageError
from edge.fleet.address import Files, broker_settings
from edge.fleet.page import fleet_server
from edge.fleet.rollout import Plan, Rollout
from edge.fleet.watch import FleetWatch
from edge.printable import say
from engines.pair.signature import signature_of

TOPIC = re.compile(r"(\+|[^+#/$\x00][^+#/\x00]*)(/(\+|[^+#/\x00]+))*")
"""Levels, each a name or `+`."""


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C or SIGTERM, or roll a threshold out."""
    watch = _watch(arguments)
    return _set(arguments, watch) if arguments.action == "set" else _serve(arguments, watch)


def _set(arguments: argparse.Namespace, watch: FleetWatch) -> int:
    plan = Plan(
        arguments.value,
        arguments.camera,
        tuple(arguments.gate),
        arguments.dry_run,
        arguments.within,
    )
    words = cache(lambda: getpass(f"passphrase of {arguments.key}: "))
    signature_of(b"", arguments.key, words)  # before anything is asked of anybody
    with closing(watch):
        Rollout(watch, plan, lambda raw: signature_of(raw, arguments.key, words), say).run()
    return 0


def _serve(arguments: argparse.Namespace, watch: FleetWatch) -> int:
    server = fleet_server(watch, _page_settings(arguments))
    over = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: over.set())
    try:
        with closing(watch):
            watch.start()
            server.start()
            say(f"look at http://{_shown(arguments.listen, server.port)}/")
            over.wait()
    except KeyboardInterrupt:  # how one ends a page
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
        server.stop()
    return 0


def _watch(arguments: argparse.Namespace) -> FleetWatch:
    if arguments.broker is None:
        raise UsageError("which broker? Give --broker mqtts://USER@HOST")
    if TOPIC.fullmatch(arguments.topic) is None:
        raise UsageError(
            f"--topic {arguments.topic!r}: give what the gates have as 'topic:', such as "
            "gate/north; + stands for any one level, # is not needed"
        )
    files = Files(
        arguments.password_file,
        arguments.ca_file,
        arguments.certificate,
        arguments.certificate_key,
    )
    return FleetWatch(broker_settings(arguments.broker, files), arguments.topic)


def _page_settings(arguments: argparse.Namespace) -> PageSettings:
    token = arguments.token_file
    secret = None if token is None else Secret(name="fleet_page_token", file=token)
    try:
        return PageSettings(listen=arguments.listen, token=secret)
    except ValidationError as error:
        _, words = first_mistake(error)
        words = words.replace("page.token", "--token-file")
        raise UsageError(f"--listen: {words}") from error


def _shown(listen: str, port: int) -> str:
    return f"{listen.rpartition(':')[0]}:{port}"
