"""The watchman's own death, as an outside dead-man's switch sees it."""

import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.conftest import SHOP
from tests.faults.cluster import a_cluster
from tests.wire.servers import HOOKFLASH

pytestmark = pytest.mark.slow
# What a switch may be set to: within this time after the watchman's death it goes off.
SWITCH_SECONDS = 60


class Switch:
    """A dead-man's switch: it notes each beat."""

    def __init__(self):
        self.beats = beats = []

        class Beaten(BaseHTTPRequestHandler):
            def do_GET(self):
                beats.append(time.monotonic())
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                return

        self._server = HTTPServer(("127.0.0.1", 0), Beaten)
        self.url = f"http://127.0.0.1:{self._server.server_port}/beat"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, count, seconds):
        end = time.monotonic() + seconds
        while len(self.beats) < count:
            assert time.monotonic() < end, f"{len(self.beats)} beats in {seconds} s"
            time.sleep(0.05)


def test_a_watchman_whose_database_is_gone_falls_silent_outside(tmp_path):
    """Its process lives on, but what it should watch over it cannot see; once the database is back, it beats again."""
    matrix = tmp_path / "matrix.yaml"
    matrix.write_text(SHOP)
    with Switch() as switch, a_cluster() as (cluster,):
        cluster.make()
        cluster.start()
        environment = os.environ | {"HOOKFLASH_CRM_SECRET": "whsec_c2VjcmV0", "HOOKFLASH_HEARTBEAT_URL": switch.url}
        command = [HOOKFLASH, "work", str(matrix), "--database", cluster.url, "--only", "watchman"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as process:
            try:
                switch.wait_for(2, 40)
                between = switch.beats[1] - switch.beats[0]
                assert 2 * between < SWITCH_SECONDS, "one beat that is lost on the way would be an alarm"
                cluster.stop_at_once()
                time.sleep(between + 3)
                assert len(switch.beats) == 2
                assert process.poll() is None
                cluster.start()
                switch.wait_for(3, 15)
            finally:
                process.kill()
