"""The BullMQ provider: queues shared with Node applications that use BullMQ, such as nuxt-queue.

Queues and workers are those of the official ``bullmq`` package; the dispatcher and the
runner are ours. What BullMQ can't do is added here where that is possible, and refused with
an error that says why where it is not.
"""

from nq_reference.providers.bullmq.provider import BullMQProvider

__all__ = ["BullMQProvider"]
