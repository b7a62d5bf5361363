"""Tiny real packages, and a local registry and web server that can misbehave on request."""

import base64
import contextlib
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from engines.catalogue.package_clients import Archive, Client


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tarball(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def npm_package(files: Mapping[str, bytes], name: str = "tiny") -> bytes:
    about = json.dumps({"name": name, "version": "1.0.0"}).encode()
    inside = {f"package/{path}": content for path, content in files.items()}
    return tarball({"package/package.json": about, **inside})


def sdist(files: Mapping[str, bytes], setup: str = "raise SystemExit(3)\n") -> bytes:
    about = b"Metadata-Version: 2.1\nName: tiny\nVersion: 1.0.0\n"
    inside = {f"tiny-1.0.0/{path}": content for path, content in files.items()}
    return tarball(
        {
            "tiny-1.0.0/PKG-INFO": about,
            "tiny-1.0.0/setup.py": setup.encode(),
            **inside,
        }
    )


def wheel(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    info = "tiny-1.0.0.dist-info"
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return buffer.getvalue()


def archive_of(content: bytes, client: Client) -> Archive:
    return Archive(client, "tiny", "1.0.0", sha256(content))


@dataclass
class Server:
    """Serves bytes by path; paths in `cut_after` stop early, `gate` holds answers back."""

    url: str = ""
    content: dict[str, bytes] = field(default_factory=dict)
    cut_after: dict[str, int] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range header of each request."""
    gate: threading.Event = field(default_factory=threading.Event)
    asked_for_archive: threading.Event = field(default_factory=threading.Event)

    def publish(self, archive: bytes, name: str = "tiny") -> None:
        """Offer an npm package as a registry does: a description, and the archive it names."""
        digest = base64.b64encode(hashlib.sha512(archive).digest()).decode()
        path = f"/{name}/-/{name}-1.0.0.tgz"
        dist = {"tarball": self.url + path, "integrity": f"sha512-{digest}"}
        version = {"name": name, "version": "1.0.0", "dist": dist}
        about = {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
        self.content[f"/{name}"] = json.dumps(about).encode()
        self.content[path] = archive

    def archive_requests(self) -> int:
        return sum(path.endswith(".tgz") for path, _ in self.requests)


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    server.gate.set()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            server.requests.append((self.path, asked))
            if self.path.endswith(".tgz"):
                server.asked_for_archive.set()
                server.gate.wait(60)
            content = server.content.get(self.path)
            if content is None:
                self.send_error(404)
                return
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(content[start : server.cut_after.get(self.path)])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as http:
        server.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.gate.set()
            http.shutdown()
            thread.join()


def publish_for_pip(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
