"""Handlers that a test names as ``module:function``."""


class place:  # noqa: N801 - it stands for a module
    """Something with a function in it."""

    @staticmethod
    def join(data: list[str], ctx: object) -> str:
        """The parts in one."""
        return "+".join(data)
