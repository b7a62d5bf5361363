"""A real Chromium, driven by its DevTools protocol; what its console complains of is an error."""

import base64
import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

PATIENCE_S = 60
"""Only a defect waits as long."""
LOOK_EVERY_S = 0.05
DESKTOP = (1280, 900)
"""Width and height of a tab unless told."""


ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # it refuses to run as root with one
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--remote-debugging-port=0",
)


@contextmanager
def chromium(folder: Path) -> Iterator["Browser"]:
    """Yield a browser that keeps its own files in a folder."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: make services")
    command = [program, *ARGUMENTS, f"--user-data-dir={folder}", "about:blank"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            # No pings: they draw from `random` beside whatever test runs, which Hypothesis refuses.
            options = {"max_size": None, "compression": None, "ping_interval": None}
            with connect(_address(process), **options) as wire:
                yield Browser(wire)
        finally:
            process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"listening on (ws://\S+)", line):
            # Nobody reads the rest, and it must not wait for a reader.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return found[1]
    raise AssertionError(f"chromium ended with {process.wait()}")


class PageHasLeftError(AssertionError):
    """The page was asked something, and went away before it had answered."""


class Browser:
    """One process, for many tabs."""

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self._number = 0
        self._events: list[dict[str, Any]] = []

    def call(self, method: str, session: str | None = None, **parameters: object) -> Any:
        """Call a method of the protocol and return its result."""
        self._number += 1
        message: dict[str, object] = {
            "id": self._number,
            "method": method,
            "params": parameters,
        }
        if session is not None:
            message["sessionId"] = session
        self._wire.send(json.dumps(message))
        while True:
            answer = json.loads(self._wire.recv(timeout=PATIENCE_S))
            if answer.get("id") == self._number:
                if "navigated" in answer.get("error", {}).get("message", ""):
                    raise PageHasLeftError(method, answer["error"])
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._events.append(answer)

    def events(self, session: str) -> list[dict[str, Any]]:
        """Return what a session told so far."""
        return [event for event in self._events if event.get("sessionId") == session]

    def forget(self, session: str) -> None:
        """Know nothing any more of what a session told."""
        self._events = [event for event in self._events if event.get("sessionId") != session]


def _text(selector: str) -> str:
    """Return an expression for what a visible element says."""
    return (
        f"[document.querySelector({json.dumps(selector)})]"
        ".map((one) => (one?.checkVisibility() ? one.innerText : ''))[0]"
    )


class Tab:
    """One page, with cookies of its own."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        context = browser.call("Target.createBrowserContext")["browserContextId"]
        self._context = context
        target = browser.call("Target.createTarget", url="about:blank", browserContextId=context)[
            "targetId"
        ]
        self._session = browser.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.size(*DESKTOP)

    def empty(self) -> None:
        """
        Be as a new one: nothing shown, kept, told or to go back to.

        What a page keeps by its origin is out of reach of pages of another port.
        """
        self.open("about:blank")
        self.call("Network.clearBrowserCookies")
        self.call("Page.resetNavigationHistory")
        self.size(*DESKTOP)
        self.run("1")  # whatever was told before comes before this answer
        self._browser.forget(self._session)

    def call(self, method: str, **parameters: object) -> Any:
        return self._browser.call(method, self._session, **parameters)

    def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """Become a desktop or a phone, by day or by night."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if width < 600 else 1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)
        self.until(f"document.readyState === 'complete' && {self._is_there(address)}")

    @staticmethod
    def _is_there(address: str) -> str:
        return f"location.href.startsWith({json.dumps(address)})"

    def run(self, script: str) -> Any:
        """Return the value of an expression."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, (script, answer["exceptionDetails"])
        return answer["result"].get("value")

    def until(self, script: str) -> Any:
        """Wait until an expression is true, and return its value."""
        end_s = time.monotonic() + PATIENCE_S
        while True:
            value = None
            with suppress(PageHasLeftError):  # the next one may say it
                value = self.run(script)
            if value:
                return value
            if time.monotonic() > end_s:
                text = self.run("document.body.innerText")
                raise AssertionError(f"{script} never came true; the page says:\n{text}")
            threading.Event().wait(LOOK_EVERY_S)  # not in the page, which may be on its way out

    def text(self, selector: str) -> str:
        """Return what a visible element says; nothing when it is hidden."""
        return str(self.run(_text(selector)))

    def until_text(self, selector: str, words: str) -> str:
        """Wait until a visible element says something; return all that it says."""
        return str(
            self.until(
                f"[{_text(selector)}].filter((text) => text.includes({json.dumps(words)}))[0]"
            )
        )

    def press(self, key: str, times: int = 1) -> None:
        """Press a key, as a person does who has no mouse."""
        text = {"Enter": "\r", "Space": " "}.get(key, key if len(key) == 1 else "")
        named = {"Space": " "}.get(key, key)
        code = {"Tab": 9, "Enter": 13, "Space": 32, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36}
        code |= {"Escape": 27, "ArrowUp": 38, "ArrowDown": 40, "Delete": 46}
        for _ in range(times):
            for kind in ("keyDown", "keyUp"):
                self.call(
                    "Input.dispatchKeyEvent",
                    type=kind,
                    key=named,
                    code=key,
                    windowsVirtualKeyCode=code.get(key, 0),
                    **({"text": text} if text and kind == "keyDown" else {}),
                )

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def focus(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """Write what is seen, for people to look at."""
        picture = self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(picture))

    @property
    def complaints(self) -> list[str]:
        """What the console complained of: errors, exceptions, violations of the policy."""
        self.run("1")  # whatever was told before comes before this answer
        found = []
        for event in self._browser.events(self._session):
            match event["method"], event["params"]:
                case "Log.entryAdded", {"entry": {"level": "error" | "warning"} as entry}:
                    found.append(f"{entry['text']} {entry.get('url', '')}")
                case "Runtime.exceptionThrown", {"exceptionDetails": details}:
                    found.append(json.dumps(details))
                case "Runtime.consoleAPICalled", {"type": "error" | "warning" | "assert"} as call:
                    found.append(json.dumps(call["args"]))
        return found

    @property
    def requested(self) -> list[str]:
        """All addresses that were asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self._browser.events(self._session)
            if event["method"] == "Network.requestWillBeSent"
        ]

    def close(self) -> None:
        self._browser.call("Target.disposeBrowserContext", browserContextId=self._context)
