"""As whom a Postgres is run when we are root, which it refuses to run as.

First as an account that is made for such things. Where that can't reach the program (a virtual
environment under root's home, say), in a user namespace in which root goes by another number.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

from nq_conformance.services.errors import UnavailableError

ACCOUNTS = ("postgres", "nobody")
PROBE_BUDGET_S = 10.0
_NAMESPACE = ("--user", "--map-user=1000", "--map-group=1000")


@dataclass(frozen=True, slots=True)
class Guise:
    """``user``: the ids to run as, () for our own. ``command``: words to put before the program's."""

    user: tuple[int, ...] = ()
    command: tuple[str, ...] = ()


OURSELVES = Guise()


def guise_for(program: str) -> Guise:
    """A guise other than root's under which ``program`` can be run and can reach the temporary folder.

    Raises UnavailableError if there is none.
    """
    for guise in (*_accounts(), *_namespaces()):
        if _works(guise, program):
            return guise
    raise UnavailableError(
        f"{program} refuses to run as root, and can be run neither as one of the users "
        f"{', '.join(ACCOUNTS)} nor in a user namespace",
        "run as another user, or put the program and the temporary folder where all users may read",
    )


def _accounts() -> list[Guise]:
    import pwd  # noqa: PLC0415 - not on Windows, where nobody is root

    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return [Guise((known[name].pw_uid, known[name].pw_gid)) for name in ACCOUNTS if name in known]


def _namespaces() -> list[Guise]:
    unshare = shutil.which("unshare")
    return [Guise(command=(unshare, *_NAMESPACE))] if unshare else []


def _works(guise: Guise, program: str) -> bool:
    user, group = guise.user or (None, None)
    # The shell changes the folder: subprocess would do so before it gives up being root.
    words = ("/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", tempfile.gettempdir())
    try:
        done = subprocess.run(  # noqa: S603 - the command is the kit's own
            (*words, *guise.command, program, "--version"),
            user=user,
            group=group,
            extra_groups=[] if guise.user else None,
            env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_BUDGET_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
