"""A handler like any other, that runs in a child process."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel

from nq_conformance.contract import RunContext
from nq_reference.runtimes.child import Child
from nq_reference.runtimes.options import ChildOptions
from nq_reference.runtimes.supply import Supply

_SLACK_S = 5.0


class ChildHandler:
    """Called as ``handler(data, ctx)``. Raises ``ChildError`` where the attempt fails.

    Cancelled, it returns only when the child is gone; ``cancel_grace_s`` bounds that, and the runner
    waits so long for it (RPC-10).
    """

    def __init__(self, supply: Supply, options: ChildOptions) -> None:
        self.cancel_grace_s = options.kill_grace_ms / 1000 + _SLACK_S
        self._supply = supply

    async def __call__(self, data: Any, ctx: RunContext) -> Any:
        """Have a child do it (RPC-01, RPC-14)."""
        child = self._supply.take()
        try:
            return await self._execute(child, data, ctx)
        finally:
            with anyio.CancelScope(shield=True):
                await self._supply.give_back(child)

    async def close(self) -> None:
        """End the children that are not at work."""
        await self._supply.close()

    async def _execute(self, child: Child, data: Any, ctx: RunContext) -> Any:
        job = {"id": ctx.job_id, "name": ctx.step_name, "data": data}
        context = {
            "jobId": ctx.job_id,
            "queue": ctx.queue,
            "flowId": ctx.flow_id,
            "flowName": ctx.flow_name,
            "stepName": ctx.step_name,
            "stepId": ctx.step_id,
            "attempt": ctx.attempt,
        }
        child.begin(job, context, ctx)
        await anyio.lowlevel.checkpoint()  # lets it be written before a start takes its milliseconds
        self._supply.start_ahead()
        return await child.outcome()
