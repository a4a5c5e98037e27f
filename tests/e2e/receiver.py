"""A system of record in a thread of its own, as the webhook desk meets it: it verifies, keeps, and knows what it has seen."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook

SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtMTIz"


class Receiver:
    """What arrived: every try, and each brief once, by its message id."""

    def __init__(self):
        self.url = ""
        self.delay = 0.0
        self.tries = []
        """(message id, when), in order."""
        self.briefs = {}
        """The brief under each message id."""
        self._lock = threading.Lock()

    def take(self, headers, body):
        data = Webhook(SECRET).verify(body, {name.lower(): value for name, value in headers.items()})["data"]
        key = headers["webhook-id"]
        with self._lock:
            self.tries.append((key, time.monotonic()))
        time.sleep(self.delay)
        with self._lock:
            self.briefs.setdefault(key, data)
        return {"ticket": f"T-{data['handoff']}"}

    @property
    def handoffs(self):
        with self._lock:
            return {brief["handoff"] for brief in self.briefs.values()}


@contextmanager
def receiving():
    """Run a receiver on a port of its own."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802 - the library's name
            body = self.rfile.read(int(self.headers["content-length"]))
            answer = json.dumps(receiver.take(self.headers, body)).encode()
            try:
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
            except OSError:
                pass  # whoever asked is gone

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/brief"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
