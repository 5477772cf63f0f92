"""The pytest plugin's front door: options, and nothing else until the suite is asked for.

It is loaded in every pytest run on a machine that has the kit. So it imports pytest and the
standard library only; all the rest waits until ``asked`` says that this run is about us.
"""

from __future__ import annotations

import pytest

from nq_conformance.plugin import asking
from nq_conformance.plugin.options import add_options


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ``--nq-*`` options and their counterparts in the configuration."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Add the suite's files to the run if it is asked for; raises ``UsageError`` without an adapter."""
    request = asking.read(early_config)
    early_config.stash[asking.ASKED] = request is not None
    if request is not None:
        from nq_conformance.plugin import arguments  # noqa: PLC0415 - light until here

        arguments.extend(early_config, request, args)


def pytest_configure(config: pytest.Config) -> None:
    """Set the run up if the suite is asked for; raises ``UsageError`` for whatever can't be used."""
    if asking.stands_in_the_way(config):
        raise pytest.UsageError(asking.TOO_LATE)
    if config.stash.get(asking.ASKED, False) and not asking.only_tells(config):
        from nq_conformance.plugin import wiring  # noqa: PLC0415 - light until here

        wiring.configure(config)
