"""The warden's program: reads ``+GROUP`` and ``-GROUP`` lines; at their end, kills the groups that are left.

Run by its path, with the interpreter and nothing else: it imports only what is built in.
"""

import os
import select
import signal
import sys


def main() -> None:
    """Watch until stdin ends, or the parent does, whatever else may hold the pipe open."""
    poll = select.poll()
    poll.register(0, select.POLLIN)
    try:  # noqa: SIM105 - contextlib is not built in
        poll.register(os.pidfd_open(os.getppid()), select.POLLIN)
    except (AttributeError, OSError):
        pass  # not Linux: the end of stdin must do
    groups: set[int] = set()
    rest = b""
    while 0 in [fd for fd, _ in poll.poll()] and (chunk := os.read(0, 65536)):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            (groups.add if line[:1] == b"+" else groups.discard)(int(line[1:]))
    for group in groups:
        try:  # noqa: SIM105 - as above
            os.killpg(group, signal.SIGKILL)
        except OSError:
            pass  # it has ended meanwhile
    sys.exit()


if __name__ == "__main__":
    main()
