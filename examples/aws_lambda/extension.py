"""A stand-in for the AWS Parameters and Secrets Lambda Extension: one secret, served on loopback."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Extension:
    """Serve while the ``with`` block runs."""

    def __init__(self, name, fields):
        self.name = name
        self.fields = fields
        self.version = 1
        self.requests = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                owner.requests += 1
                owner.answer(self)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]

    def rotate(self, fields):
        self.fields, self.version = fields, self.version + 1

    def answer(self, request):
        asked = parse_qs(urlsplit(request.path).query).get("secretId")
        if not request.headers.get("X-Aws-Parameters-Secrets-Token"):
            status, body = 401, b"no token"
        elif asked != [self.name]:
            status, body = 400, b"ResourceNotFoundException"
        else:
            said = {
                "Name": self.name,
                "SecretString": json.dumps(self.fields),
                "VersionId": f"version-{self.version}",
                "VersionStages": ["AWSCURRENT"],
            }
            status, body = 200, json.dumps(said).encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()
