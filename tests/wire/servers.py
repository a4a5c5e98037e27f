"""Real servers in processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx2

HOOKFLASH = Path(sys.executable).with_name("hookflash")


class Server:
    """A `hookflash serve` that was started, and where it listens."""

    def __init__(self, process, url):
        self.process = process
        self.url = url

    def client(self, key=None):
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=10, trust_env=False)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(matrix, database, *arguments, **environment):
    """Start a server on a port of its own and stop it at the end."""
    where = [] if "HOOKFLASH_DATABASE_URL" in environment else ["--database", str(database)]
    command = [str(HOOKFLASH), "serve", str(matrix), *where, "--port", "0", "--json", *arguments]
    with open(f"{database}.log", "ab") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env={**os.environ, **environment})
    try:
        line = process.stdout.readline()
        assert line, Path(f"{database}.log").read_text()
        server = Server(process, json.loads(line)["listening"])
        _wait_until_ready(server)
        yield server
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def _wait_until_ready(server):
    with server.client() as client:
        for _ in range(200):
            try:
                if client.get("/readyz").status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.05)
    raise AssertionError("the server did not become ready")
