"""A proxy in front of an object store that is slow, answers 503, or forgets the condition of a write."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Fault = Callable[[BaseHTTPRequestHandler], bool]
"""Called before a request is passed on; True if it has answered the request itself"""

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
_SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>"


@contextmanager
def fault_proxy(port: int, fault: Fault, loses: Fault = lambda _: False) -> Iterator[int]:
    """A proxy of the server on `port`, on the port that is yielded; requests keep their bytes, as signatures need.

    Where `loses` is true of a request, the server gets it, and the client gets 503.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            is_chunked = self.headers.get("Transfer-Encoding") == "chunked"
            body = b"".join(self._chunks()) if is_chunked else self.rfile.read(int(self.headers["Content-Length"] or 0))
            if fault(self):
                return
            upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    upstream.putheader(name, value)
                upstream.endheaders(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if is_chunked else body)
                answer = upstream.getresponse()
                content = answer.read()
                if loses(self):
                    refuse(self)
                    return
                self.send_response_only(answer.status, answer.reason)
                for name, value in answer.getheaders():
                    if name.lower() not in _HOP:
                        self.send_header(name, value)
                length = answer.getheader("Content-Length") if self.command == "HEAD" else None
                self.send_header("Content-Length", length or str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                self.close_connection = True
            finally:
                upstream.close()

        def _chunks(self) -> Iterator[bytes]:
            while size := int(self.rfile.readline().strip() or b"0", 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_request  # noqa: N815 - named by http.server

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def refuse(request: BaseHTTPRequestHandler) -> None:
    """Answer as a store that has too many requests."""
    request.send_response_only(503)
    request.send_header("Content-Length", str(len(_SLOW_DOWN)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(_SLOW_DOWN)


def often(share: float, seconds: float, seed: int) -> Fault:
    """Refuse this `share` of the requests with 503, and keep as many waiting for `seconds`."""
    draw, lock = random.Random(seed), threading.Lock()

    def fault(request: BaseHTTPRequestHandler) -> bool:
        with lock:
            drawn = draw.random()
        if drawn < share:
            refuse(request)
            return True
        if drawn < 2 * share:
            time.sleep(seconds)
        return False

    return fault


def always(request: BaseHTTPRequestHandler) -> bool:
    """Refuse every request with 503."""
    refuse(request)
    return True
