"""The rules about sequences of calls: an adapter and a model of the contract, side by side."""

from __future__ import annotations

from nq_conformance.lab import Lab
from nq_conformance.model.drawing import Drawing
from nq_conformance.model.search import find
from nq_conformance.suite.rules import rule


@rule("QRY-13")
async def test_sequences_of_calls_leave_what_the_model_allows(lab: Lab, nq_drawing: Drawing) -> None:
    """Two queues, each with a worker whose handlers end as the sequence says."""
    await _agree(lab, nq_drawing)


@rule("QRY-14")
async def test_so_do_sequences_in_which_the_adapter_is_closed_and_reopened(
    lab: Lab, nq_drawing: Drawing
) -> None:
    """What has been stored, held and counted goes on as if nothing had been."""
    await _agree(lab, nq_drawing, may_reopen=True)


@rule("QRY-15")
async def test_so_do_sequences_that_go_through_two_instances(lab: Lab, nq_drawing: Drawing) -> None:
    """Each call is made of one or the other; the workers belong to the first."""
    await _agree(lab, nq_drawing, has_second=True)


async def _agree(lab: Lab, drawing: Drawing, *, may_reopen: bool = False, has_second: bool = False) -> None:
    finding = await find(drawing, may_reopen=may_reopen, has_second=has_second)
    if finding is not None:
        lab.history.entries[:] = finding.entries
        raise finding.told()
