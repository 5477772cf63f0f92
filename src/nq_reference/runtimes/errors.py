"""How an attempt in a child process fails. The texts become the job's ``failed_reason``."""

from __future__ import annotations


class ChildError(Exception):
    """An attempt failed on the way to, in, or on the way back from its child process."""


class ChildStartError(ChildError):
    """The process could not be started (RPC-18)."""


class ChildExitedError(ChildError):
    """The process ended, or closed its stdout, before it answered; names its code or signal (RPC-09)."""


class ChildProtocolError(ChildError):
    """The child wrote what can't be taken: a line beyond the limit, say. It is not used again."""


class ChildHandlerError(ChildError):
    """The handler raised in the child (RPC-03).

    Says what it said there. ``type`` and ``traceback`` are the child's, and a note of this error, so
    that they are in whatever shows its traceback. ``unrecoverable`` ends the job (RTY-09).
    """

    def __init__(
        self, message: str, *, type: str = "", traceback: str = "", unrecoverable: bool = False
    ) -> None:
        super().__init__(message)
        self.type = type
        self.traceback = traceback
        self.unrecoverable = unrecoverable or type == "UnrecoverableError"
        if type or traceback:
            self.add_note(f"In the child process: {type}\n{traceback}")
