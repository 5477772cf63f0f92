"""What the suite sees of processes and of what is open in them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nq_conformance.services.owner import exists
from nq_conformance.suite.pids import is_running, is_zombie, open_pipes

linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")


def ended() -> subprocess.Popen[bytes]:
    """A child that has ended, and that nobody has waited for."""
    process = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        process.stdout.read()
    end = time.monotonic() + 10
    while not is_zombie(process.pid) and time.monotonic() < end:
        os.sched_yield()
    return process


@linux
def test_a_zombie_exists_and_does_not_run() -> None:
    """Until its parent waits for it; then there is nothing."""
    process = ended()
    assert (exists(process.pid), is_zombie(process.pid), is_running(process.pid)) == (True, True, False)
    process.wait()
    assert (exists(process.pid), is_zombie(process.pid), is_running(process.pid)) == (False, False, False)


def test_this_process_runs() -> None:
    """And is no zombie."""
    assert (exists(os.getpid()), is_zombie(os.getpid()), is_running(os.getpid())) == (True, False, True)


@linux
def test_both_ends_of_a_pipe_are_counted() -> None:
    """As long as they are open."""
    before = open_pipes(os.getpid())
    ends = os.pipe()
    assert open_pipes(os.getpid()) == before + 2
    for end in ends:
        os.close(end)
    assert open_pipes(os.getpid()) == before


@linux
def test_connections_are_not_counted_and_pairs_of_sockets_are() -> None:
    """A child may be talked to by a pair, but not by TCP, which a pool of connections is made of."""
    before = open_pipes(os.getpid())
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        assert open_pipes(os.getpid()) == before
    one, other = socket.socketpair()
    with one, other:
        assert open_pipes(os.getpid()) == before + 2
