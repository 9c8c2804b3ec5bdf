"""A server that gives every request the same answer, and remembers whom they were for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Recorder(ThreadingHTTPServer):
    """Listens on loopback while it is entered.

    `seen` has the methods and paths or hosts of all requests.
    """

    def __init__(self, status: int, body: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.body = status, body.encode()
        self.seen: list[str] = []

    @property
    def endpoint(self) -> str:
        """The URL that it serves."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Recorder

    def _refuse(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(f"{self.command} {self.path}")
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_CONNECT = _refuse  # noqa: N815  # http.server's names

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def recording(status: int = 400, body: str = "") -> Iterator[Recorder]:
    """Run a recorder that gives this answer to everything."""
    with Recorder(status, body) as recorder:
        threading.Thread(target=recorder.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield recorder
        finally:
            recorder.shutdown()
