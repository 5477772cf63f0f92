"""What an adapter can do and does not say: told in the report, and held against nobody.

There is no rule about it. The test is a guest of the rule that all others rest on, and
fails only where that does.
"""

from __future__ import annotations

from collections.abc import Callable

from nq_conformance.lab import Lab
from nq_conformance.lab.probes import undeclared
from nq_conformance.suite.rules import rule


@rule("ENQ-02")
async def test_what_works_and_is_not_declared_is_told(
    lab: Lab, record_property: Callable[[str, object], None]
) -> None:
    """Each optional operation that is not declared is tried once, quickly and safely."""
    await (await lab.queue()).add()
    for capability in await undeclared(lab):
        record_property("nq_note", str(capability))
