"""Wrong talk between a worker and its children."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from miniatures.base import Miniature
from miniatures.naive_children import ChildError, Conversation
from miniatures.naive_manager import in_children
from nq_reference import background


@in_children
class TellsTheContextInSnakeCase(Miniature):
    """The context's names are those of Python."""

    breaks, tells = "RPC-01", "params.context of attempt 1"

    class conversation_class(Conversation):
        def request(self) -> dict[str, Any]:
            request = super().request()
            context = request["params"]["context"]
            request["params"]["context"] = {"step_id" if n == "stepId" else n: v for n, v in context.items()}
            return request


@in_children
class IndentsItsRequests(Miniature):
    """A message has as many lines as it takes."""

    breaks, tells = "RPC-01", "completes the job with the line that it read"

    class conversation_class(Conversation):
        def encode(self, message: dict[str, Any]) -> bytes:
            return json.dumps(message, ensure_ascii=False, indent=1).encode() + b"\n"


@in_children
class TakesFalsyResultsForSilence(Miniature):
    """`reply.get("result") or fail`."""

    breaks, tells = "RPC-02", "a job whose child replies with None completes with it"

    class conversation_class(Conversation):
        def outcome(self) -> Any:
            result = super().outcome()
            if not result:
                raise ChildError("no result")
            return result


@in_children
class SaysObjectObject(Miniature):
    """The error of a reply is made a text as a whole, where it has data."""

    breaks, tells = "RPC-03", "[object Object]"

    class conversation_class(Conversation):
        def reason_of(self, error: Any) -> str:
            return "[object Object]" if "data" in error else super().reason_of(error)


@in_children
class LosesTheTraceback(Miniature):
    """Of an error reply the message is kept, and nothing else."""

    breaks, tells = "RPC-03", "the data of step.retry has the type"

    class conversation_class(Conversation):
        def outcome(self) -> Any:
            try:
                return super().outcome()
            except ChildError as error:
                raise ChildError(str(error)) from None


@in_children
class SplitsEachChunk(Miniature):
    """What a read brings is split at newlines on its own."""

    breaks, tells = "RPC-04", "a reply that is cut behind"

    class conversation_class(Conversation):
        def lines(self, chunk: bytes) -> list[bytes]:
            return chunk.split(b"\n")


@in_children
class DecodesEachChunk(Miniature):
    """What a read brings is decoded on its own, whatever character its end has cut."""

    breaks, tells = "RPC-04", "a reply that is cut behind '\U0001f680'"

    class conversation_class(Conversation):
        def lines(self, chunk: bytes) -> list[bytes]:
            return super().lines(chunk.decode(errors="replace").encode())


@in_children
class LimitsItsLines(Miniature):
    """A frame of more than 64 KiB is an error, as with asyncio's reader."""

    breaks, tells = "RPC-05", "a job completes in which the child returns its payload"

    class conversation_class(Conversation):
        def lines(self, chunk: bytes) -> list[bytes]:
            lines = super().lines(chunk)
            if len(self.rest) > 65536 and self.rest.startswith(b"{"):
                self.reply = {"error": {"message": "chunk is longer than limit"}}
                self.over.set()
            return lines


@in_children
class WritesBeforeItReadsOn(Miniature):
    """An answer is written to its end before anything else is read."""

    breaks, tells = "RPC-05", "it is active"

    class conversation_class(Conversation):
        async def answer(self, message: dict[str, Any]) -> None:
            told = await self.called(message.get("method"), message.get("params"))
            if "id" in message:
                await self.send({"id": message["id"], **told})


@in_children
class TakesTheFirstJsonForTheResult(Miniature):
    """Any line that can be decoded and is no call is the reply."""

    breaks, tells = "RPC-06", "a child that prints a number before it replies"

    class conversation_class(Conversation):
        def parse(self, line: bytes) -> dict[str, Any] | None:
            try:
                message = json.loads(line)
            except ValueError:
                return None
            if isinstance(message, dict) and message.get("jsonrpc") == "2.0":
                return message
            return {"id": self.id, "result": message}


@in_children
class EndsWithTheFirstNoise(Miniature):
    """A line that is no message is an error of the protocol."""

    breaks, tells = "RPC-06", "a child that prints a word before it replies"

    class conversation_class(Conversation):
        def parse(self, line: bytes) -> dict[str, Any] | None:
            message = super().parse(line)
            return message or {"id": self.id, "error": {"message": "this is no message"}}


@in_children
class SharesStdoutWithPrints(Miniature):
    """The child writes its frames where the function prints."""

    breaks, tells = "RPC-07", "a function that prints without a newline"

    class conversation_class(Conversation):
        worker_bent = "shares-stdout"


@in_children
class KeepsTheLatestContext(Miniature):
    """The context that calls are made on is kept for all attempts together."""

    breaks, tells = "RPC-14", "state, process, key, jobId and flowId of the job of flow-0"

    class conversation_class(Conversation):
        latest: ClassVar[Any] = None

        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            type(self).latest = self.ctx

        async def called(self, method: Any, params: Any) -> dict[str, Any]:
            self.ctx = self.latest
            return await super().called(method, params)


@in_children
class TakesTheChildsIdForItsOwn(Miniature):
    """A message with the id of the request is the reply."""

    breaks, tells = "RPC-15", "names in the result and reason of the job"

    class conversation_class(Conversation):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.id = 10**6  # children count their own from 1

        def parse(self, line: bytes) -> dict[str, Any] | None:
            message = super().parse(line)
            if message is not None and message.get("id") == self.id:
                message.pop("method", None)
            return message


@in_children
class AnswersFirstInFirstOut(Miniature):
    """In the child, an answer goes to the call that has waited longest."""

    breaks, tells = "RPC-15", "a function that makes four calls at once"

    class conversation_class(Conversation):
        worker_bent = "first-in-first-out"


@in_children
class RepliesToNotifications(Miniature):
    """Everything is answered, if need be with the id null."""

    breaks, tells = "RPC-16", "a child that returns all messages to it"

    class conversation_class(Conversation):
        async def answer(self, message: dict[str, Any]) -> None:
            await super().answer({"id": None, **message})


@in_children
class IsSilentAboutUnknownMethods(Miniature):
    """A method that there is not gets no answer."""

    breaks, tells = "RPC-16", "it is active"

    class conversation_class(Conversation):
        async def answer(self, message: dict[str, Any]) -> None:
            if message["method"] in self.methods():
                await super().answer(message)


@in_children
class TellsBadParametersLikeAnyError(Miniature):
    """A call is made with what there is, and fails like any call."""

    breaks, tells = "RPC-16", "error codes of calls with bad parameters"

    class conversation_class(Conversation):
        async def called(self, method: Any, params: Any) -> dict[str, Any]:
            told = await super().called(method, params)
            bad = told.get("error", {}).get("code") == -32602
            return {"error": {"code": -32000, "message": "KeyError"}} if bad else told


@in_children
class AnswersFailedCallsWithNull(Miniature):
    """What a call raises is logged, and the child gets nothing."""

    breaks, tells = "RPC-17", "the error of get says"

    class conversation_class(Conversation):
        async def called(self, method: Any, params: Any) -> dict[str, Any]:
            told = await super().called(method, params)
            return {"result": None} if told.get("error", {}).get("code") == -32000 else told


@in_children
class HangsOnFailedCalls(Miniature):
    """In the child, a call that is answered with an error goes on waiting."""

    breaks, tells = "RPC-17", "it is active"

    class conversation_class(Conversation):
        worker_bent = "hangs-on-errors"


@in_children
class SendsNoticesByTheWay(Miniature):
    """Logs and triggers are sent in tasks that nobody awaits."""

    breaks, tells = "RPC-20", "the job is not completed while"

    class conversation_class(Conversation):
        async def answer(self, message: dict[str, Any]) -> None:
            if "id" in message:
                await super().answer(message)
            else:
                background.spawn(lambda: self.called(message["method"], message.get("params")), "notice")


@in_children
class DiesOfItsResult(Miniature):
    """The child encodes the result outside of what makes error replies."""

    breaks, tells = "RPC-23", "says that it is not JSON"

    class conversation_class(Conversation):
        worker_bent = "dies-of-its-result"
