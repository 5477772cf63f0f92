"""fakeredis behind a port: an imitation inside this process, for a quick look where nothing else is.

It knows neither INFO nor all of Lua and of blocking commands, so a run on it is marked and is
never chosen unless asked for.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import threading
from typing import Any

from nq_conformance.services.errors import UnavailableError
from nq_conformance.services.info import Started
from nq_conformance.services.redis.client import ask

REMEDY = "pip install 'nq-conformance[fake]'"


def start() -> Started:
    """A fake server on a free port of 127.0.0.1, in a thread that does not keep the process alive.

    Raises UnavailableError if fakeredis or its Lua is not installed.
    """
    server = _server()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="nq-fake-redis", daemon=True)
    thread.start()

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    url = f"redis://127.0.0.1:{server.server_address[1]}/0"
    try:
        ask(url)
    except BaseException:
        end()
        raise
    version = importlib.metadata.version("fakeredis")
    return Started(url=url, version=version, source="fakeredis", end=end, real=False)


def _server() -> Any:
    try:
        from fakeredis import TcpFakeServer  # noqa: PLC0415 - optional
    except ImportError as error:
        raise UnavailableError(f"fakeredis can't be imported, or is too old ({error})", REMEDY) from error
    if importlib.util.find_spec("lupa") is None:
        raise UnavailableError("fakeredis is installed without Lua (the package lupa)", REMEDY)
    server: Any = TcpFakeServer(("127.0.0.1", 0))
    server.daemon_threads = True  # else an open connection would keep the process from ending
    return server
