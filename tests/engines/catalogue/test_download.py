"""Downloads from a real web server on this machine."""

from pathlib import Path

import pytest
from rich.progress import Progress

from engines.catalogue.download import Url, cached_download, obtain_download
from engines.errors import CatalogueError, FetchError, HashMismatchError
from tests.engines.packages import Server, sha256
from tests.says import says

CONTENT = bytes(range(256)) * 9000  # more than one chunk


def url(web: Server, path: str = "/zoo/net.onnx") -> Url:
    return Url(web.url + path, len(CONTENT))


def obtain(source: Url, expected: str = sha256(CONTENT)) -> Path:
    return obtain_download(source, expected, Progress(disable=True))


def test_a_url_is_downloaded_verified_and_named_as_on_its_server(web: Server):
    web.content["/zoo/net.onnx"] = CONTENT
    path = obtain(url(web))
    assert path.name == "net.onnx"
    assert path.read_bytes() == CONTENT


def test_a_cached_url_needs_no_server(web: Server):
    web.content["/zoo/net.onnx"] = CONTENT
    first = obtain(url(web))
    web.content.clear()
    assert obtain(url(web)) == first


def test_a_cut_download_says_how_far_it_came_and_is_not_used(web: Server):
    web.content["/zoo/net.onnx"] = CONTENT
    web.cut_after["/zoo/net.onnx"] = 1_500_000
    with pytest.raises(FetchError, match=f"cut after 1500000 of {len(CONTENT)} bytes"):
        obtain(url(web))
    with pytest.raises(CatalogueError, match="not in the cache"):
        cached_download(url(web), sha256(CONTENT))


def test_a_cut_download_goes_on_where_it_stopped(web: Server):
    web.content["/zoo/net.onnx"] = CONTENT
    web.cut_after["/zoo/net.onnx"] = 1_500_000
    with pytest.raises(FetchError):
        obtain(url(web))
    web.cut_after.clear()
    assert obtain(url(web)).read_bytes() == CONTENT
    assert web.requests == [("/zoo/net.onnx", None), ("/zoo/net.onnx", "bytes=1500000-")]


def test_a_wrong_file_is_refused_and_forgotten(web: Server):
    web.content["/zoo/net.onnx"] = b"an HTML page about logging in"
    with pytest.raises(HashMismatchError) as caught:
        obtain(url(web))
    assert f"expected SHA-256 {sha256(CONTENT)}" in str(caught.value)
    assert f"got {sha256(web.content['/zoo/net.onnx'])}" in str(caught.value)
    web.content["/zoo/net.onnx"] = CONTENT
    assert obtain(url(web)).read_bytes() == CONTENT


def test_a_part_longer_than_the_servers_file_is_forgotten(web: Server):
    web.content["/zoo/net.onnx"] = CONTENT
    web.cut_after["/zoo/net.onnx"] = 1_500_000
    with pytest.raises(FetchError):
        obtain(url(web))
    web.cut_after.clear()
    web.content["/zoo/net.onnx"] = short = CONTENT[:1000]
    with pytest.raises(FetchError, match="416"):
        obtain(url(web), sha256(CONTENT))
    web.content["/zoo/net.onnx"] = CONTENT
    assert obtain(url(web)).read_bytes() != short


def test_a_missing_file_names_the_url_and_another_way(web: Server):
    with pytest.raises(FetchError, match=r"none\.onnx: .*404.*'file:'"):
        obtain(url(web, "/none.onnx"))


def test_no_server_names_the_url_and_another_way(cache: Path):
    assert not cache.exists()
    with pytest.raises(FetchError, match=r"127\.0\.0\.1:9/a: .*refused.*'file:'"):
        obtain(Url("http://127.0.0.1:9/a"))


def test_a_tampered_download_is_refused_and_then_repaired(web: Server):
    web.content["/zoo/net.onnx"] = CONTENT
    obtain(url(web)).write_bytes(b"tampered")
    with pytest.raises(HashMismatchError, match="changed in the cache"):
        cached_download(url(web), sha256(CONTENT))
    assert obtain(url(web)).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: " + b"9" * 5000,
        b"Content-Length: many",
        b"Transfer-Encoding: chunked\r\n\r\n-5",
        b"Transfer-Encoding: chunked\r\n\r\nzz",
    ],
)
def test_a_server_that_answers_nonsense_is_named(cache: Path, head: bytes):
    refused = pytest.raises(FetchError, match="download the file by other means")
    with says(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\nabc") as port, refused:
        obtain(Url(f"http://127.0.0.1:{port}/net.onnx"))
    assert not list(cache.rglob("net.onnx"))
