"""The mail service: it takes one key, and counts whom it sends away."""

import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128  # the default of 5 is too small for fifty clients at once


class MailService:
    """Listens on loopback for the time of a ``with`` block."""

    def __init__(self) -> None:
        self.key = ""
        self.sent = 0
        self.refused = 0
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(service.status_for(self.headers["api_key"]))

            def answer(self, status: int) -> None:
                raw = json.dumps({"status": "success" if status == 202 else "error"}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def status_for(self, key: str) -> int:
        with self._lock:
            is_good = secrets.compare_digest(key, self.key)
            self.sent += is_good
            self.refused += not is_good
            return 202 if is_good else 401

    def __enter__(self) -> "MailService":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
