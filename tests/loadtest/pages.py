"""A tiny HTTP server with fixed answers, in a thread of this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer


class Pages:
    """Answers by path; a list of answers is given one after the other, the last again and again.

    Args:
        answers: Status and body by path; anything else is a 404.
    """

    def __init__(self, answers: Mapping[str, list[tuple[int, str]]]) -> None:
        self.answers = {path: list(given) for path, given in answers.items()}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.url = ""

    def next(self, path: str) -> tuple[int, str]:
        given = self.answers.get(path, [(404, "")])
        return given.pop(0) if len(given) > 1 else given[0]


@contextmanager
def served(answers: Mapping[str, list[tuple[int, str]]]) -> Iterator[Pages]:
    pages = Pages(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages.asked.append((self.path, dict(self.headers)))
            status, body = pages.next(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    pages.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield pages
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
