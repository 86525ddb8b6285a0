"""Both clients on real sockets: deadlines, disconnects, proxies and certificates."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import trustme

from seqserve.client import AsyncClient, Policy, ServerUnreachable
from seqserve.errors import DeadlineExceeded
from tests.client.conftest import Caller

MODELS = b'{"models": []}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n"
Handle = Callable[[socket.socket, bytes], None]


class Peer:
    """A listening socket, whose connections are handled on threads of their own."""

    def __init__(self, handle: Handle, tls: ssl.SSLContext | None) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.requests: list[bytes] = []
        self.hung_up = threading.Semaphore(0)
        self.n_connections = 0
        self._handle = handle
        self._tls = tls
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.n_connections += 1
            threading.Thread(target=self._serve, args=[sock], daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            with self._tls.wrap_socket(sock, server_side=True) if self._tls else sock as peer:
                if request := peer.recv(65536):
                    self.requests.append(request)
                    self._handle(peer, request)
                    peer.settimeout(10)
                    while peer.recv(65536):
                        pass
        except OSError:
            sock.close()
        self.hung_up.release()


@contextmanager
def listening(handle: Handle, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    peer = Peer(handle, tls)
    try:
        yield peer
    finally:
        peer.listener.close()


def silent(sock: socket.socket, request: bytes) -> None:
    """Accept requests and never answer."""


def trickling(sock: socket.socket, request: bytes) -> None:
    """Send the response byte by byte, each before a read would time out."""
    sock.sendall(HEAD.replace(b"14", b"9999") + b"\r\n")
    for _ in range(100):
        sock.sendall(b" ")
        time.sleep(0.1)


def answering(sock: socket.socket, request: bytes) -> None:
    sock.sendall(HEAD + b"Connection: close\r\n\r\n" + MODELS)


@pytest.mark.parametrize("handle", [silent, trickling])
def test_a_deadline_is_kept(call: Caller, handle: Handle) -> None:
    with listening(handle) as peer:
        call.url, call.options = f"http://127.0.0.1:{peer.port}", {"timeout_s": 0.5}
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded, match=r"within timeout_s, 0\.5 s"):
            call.over("models")
        assert 0.45 < time.monotonic() - started < 2.0  # and not 10
        assert peer.hung_up.acquire(timeout=5)  # and nothing is left open
    assert len(peer.requests) == 1
    assert b"x-timeout-ms: 4" in peer.requests[0].lower()


def test_a_cancelled_call_hangs_up() -> None:
    with listening(silent) as peer:

        async def run() -> None:
            async with AsyncClient(f"http://127.0.0.1:{peer.port}") as client:
                task = asyncio.create_task(client.ner("a"))
                while not peer.requests:
                    await asyncio.sleep(0.01)
                assert not peer.hung_up.acquire(blocking=False)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert await asyncio.to_thread(peer.hung_up.acquire, timeout=5)

        asyncio.run(run())


def test_all_requests_of_a_cancelled_call_hang_up() -> None:
    with listening(silent) as peer:

        async def run() -> None:
            policy = Policy(max_texts=1, concurrency=3)
            async with AsyncClient(f"http://127.0.0.1:{peer.port}", policy=policy) as client:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.5):
                        await client.ner(["a", "b", "c", "d"])
                for _ in range(3):
                    assert await asyncio.to_thread(peer.hung_up.acquire, timeout=5)

        asyncio.run(run())
        assert len(peer.requests) == 3


def test_a_connection_that_breaks_is_made_again(call: Caller) -> None:
    def flaky(sock: socket.socket, request: bytes) -> None:
        if len(peer.requests) < 3:
            sock.close()
        else:
            answering(sock, request)

    with listening(flaky) as peer:
        call.url = f"http://127.0.0.1:{peer.port}"
        assert call.over("models") == ()
    assert len(peer.requests) == 3


def test_proxies_are_taken_from_the_environment(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(answering) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "elsewhere")
        monkeypatch.setenv("no_proxy", "elsewhere")
        call.url = "http://seqserve.invalid"
        assert call.over("models") == ()
    assert proxy.requests[0].startswith(b"GET http://seqserve.invalid/v1/models HTTP/1.1")


def test_a_certificate_is_verified_and_a_wrong_one_not_tried_again(
    call: Caller,
) -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with listening(answering, tls) as peer:
        call.url = f"https://localhost:{peer.port}"
        with pytest.raises(ServerUnreachable, match="certificate verify failed"):
            call.over("models")
        assert peer.n_connections == 1
        for verify in (False, trusting):
            call.options["verify"] = verify
            assert call.over("models") == ()
