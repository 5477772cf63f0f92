"""How a choice (nothing, a kind's name, or a URL) becomes a running service; the same for every service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from nq_conformance.services.errors import Attempt, ServiceError, UnavailableError
from nq_conformance.services.info import RunningService, ServiceInfo, Started, StartedService
from nq_conformance.services.urls import without_secrets

AUTOMATIC = "auto"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to a service. ``start`` raises UnavailableError where there is none to be had.

    One with ``automatic`` False is used only when it is asked for by name.
    """

    kind: str
    start: Callable[[], Started]
    automatic: bool = True


@dataclass(frozen=True, slots=True)
class Ways:
    """All ways to one service: ``given`` checks a URL, ``candidates`` are in the order to try."""

    service: str
    example_url: str
    given: Callable[[str], Started]
    candidates: Sequence[Candidate]

    @property
    def option(self) -> str:
        """The command line's option for this service."""
        return f"--nq-{self.service}"


def only_lasting(ways: Ways, lasting: Mapping[str, Callable[[], Started]]) -> Ways:
    """``ways`` to servers that the kit may stop and start: none that is given, and these by kind."""

    def not_ours(url: str) -> Started:
        raise UnavailableError(
            f"{without_secrets(url)} is not the kit's to stop", "let the kit start a server of its own"
        )

    return replace(ways, given=not_ours, candidates=[Candidate(kind, lasting[kind]) for kind in lasting])


def resolve(ways: Ways, choice: str | None) -> RunningService:
    """Start the service that ``choice`` asks for: None or "auto", a kind's name, or a URL.

    Raises ServiceError: a choice that is none of these, a forced kind that is not there,
    a URL that does not answer, or (automatic) nothing available at all.
    """
    if choice is None or choice == AUTOMATIC:
        return _first_available(ways)
    if "://" in choice:
        return _forced(ways, Candidate("url", lambda: ways.given(choice)))
    for candidate in ways.candidates:
        if candidate.kind == choice:
            return _forced(ways, candidate)
    raise _unknown_choice(ways, choice)


def _first_available(ways: Ways) -> RunningService:
    skipped: tuple[Attempt, ...] = ()
    for candidate in ways.candidates:
        if not candidate.automatic:
            continue
        try:
            return _running(ways, candidate, skipped)
        except UnavailableError as error:
            skipped += (Attempt(candidate.kind, error.reason, error.remedy),)
    raise _nothing_available(ways, skipped)


def _forced(ways: Ways, candidate: Candidate) -> RunningService:
    try:
        return _running(ways, candidate, ())
    except UnavailableError as error:
        attempt = Attempt(candidate.kind, error.reason, error.remedy)
        asked = "=URL" if candidate.kind == "url" else f"={candidate.kind}"
        message = f"{ways.option}{asked} can't be used (the environment's fault): {attempt}"
        raise ServiceError(message, service=ways.service, tried=(attempt,)) from error.__cause__


def _running(ways: Ways, candidate: Candidate, skipped: tuple[Attempt, ...]) -> RunningService:
    started = candidate.start()
    info = ServiceInfo(
        service=ways.service,
        kind=candidate.kind,
        url=started.url,
        version=started.version,
        source=started.source,
        skipped=skipped,
        real=started.real,
    )
    return StartedService(info, started.end, started.switch)


def _nothing_available(ways: Ways, tried: tuple[Attempt, ...]) -> ServiceError:
    lines = [f"There is no {ways.service} for this run (the environment's fault). Tried, in this order:"]
    lines += [f"  {attempt.kind}: {attempt}" for attempt in tried]
    lines.append(f"One of these is enough. Or name a server: {ways.option}={ways.example_url}")
    lines += [
        f"{ways.option}={candidate.kind} starts an imitation, which can't judge everything."
        for candidate in ways.candidates
        if not candidate.automatic
    ]
    return ServiceError("\n".join(lines), service=ways.service, tried=tried)


def _unknown_choice(ways: Ways, choice: str) -> ServiceError:
    words = ", ".join([AUTOMATIC, *(candidate.kind for candidate in ways.candidates)])
    message = (
        f"{ways.option}={choice!r} is neither a URL nor one of the words {words}. "
        f"A URL looks like {ways.example_url}"
    )
    return ServiceError(message, service=ways.service)
