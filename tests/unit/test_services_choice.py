"""How a choice becomes a service, and what is said when it does not; the servers here are stand-ins."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nq_conformance.services.choice import Candidate, Ways, resolve
from nq_conformance.services.errors import Attempt, ServiceError, UnavailableError, with_log
from nq_conformance.services.info import ServiceInfo, Started, StartedService


def there(kind: str, ends: list[str] | None = None, *, automatic: bool = True) -> Candidate:
    """A candidate that is available, and notes in ``ends`` each time it is ended."""
    log = [] if ends is None else ends
    started = Started(f"redis://{kind}:1/0", "7.0", kind, lambda: log.append(kind))
    return Candidate(kind, lambda: started, automatic=automatic)


def missing(kind: str, reason: str | None = None) -> Candidate:
    """A candidate that is not available."""

    def start() -> Started:
        raise UnavailableError(reason or f"{kind} is missing", f"install {kind}")

    return Candidate(kind, start)


def ways(*candidates: Candidate, given: Callable[[str], Started] | None = None) -> Ways:
    return Ways(
        "redis", "redis://HOST:6379/0", given or (lambda url: Started(url, "7", "", lambda: None)), candidates
    )


def test_the_first_candidate_that_is_there_is_taken() -> None:
    """Without a choice, candidates are tried in order."""
    running = resolve(ways(missing("container"), there("local"), there("embedded")), None)
    assert running.info.kind == "local"


def test_auto_is_the_same_as_no_choice() -> None:
    """The word auto can be given on a command line, where nothing can't."""
    assert resolve(ways(there("local")), "auto").info.kind == "local"


def test_candidates_passed_over_are_noted_with_their_reasons() -> None:
    """A run's header shows why a better candidate was not taken."""
    running = resolve(ways(missing("container"), there("local")), None)
    assert running.info.skipped == (Attempt("container", "container is missing", "install container"),)


def test_a_candidate_for_those_who_ask_is_not_taken_by_itself() -> None:
    """An imitation runs only when it is named."""
    with pytest.raises(ServiceError):
        resolve(ways(missing("local"), there("fake", automatic=False)), None)


def test_a_candidate_for_those_who_ask_is_taken_when_named() -> None:
    """An imitation can be named."""
    assert resolve(ways(there("local"), there("fake", automatic=False)), "fake").info.kind == "fake"


def test_a_named_candidate_is_taken_before_earlier_ones() -> None:
    """A name forces its candidate."""
    assert resolve(ways(there("container"), there("local")), "local").info.kind == "local"


def test_a_named_candidate_that_is_missing_is_not_replaced() -> None:
    """Forcing what is not there is an error with reason and remedy."""
    with pytest.raises(ServiceError) as caught:
        resolve(ways(missing("container"), there("local")), "container")
    assert str(caught.value) == (
        "--nq-redis=container can't be used (the environment's fault): container is missing\n"
        "    What to do: install container"
    )


def test_nothing_available_lists_every_candidate() -> None:
    """The error tells for each candidate what is missing and how to get it."""
    with pytest.raises(ServiceError) as caught:
        resolve(ways(missing("container"), missing("local"), there("fake", automatic=False)), None)
    assert str(caught.value) == (
        "There is no redis for this run (the environment's fault). Tried, in this order:\n"
        "  container: container is missing\n    What to do: install container\n"
        "  local: local is missing\n    What to do: install local\n"
        "One of these is enough. Or name a server: --nq-redis=redis://HOST:6379/0\n"
        "--nq-redis=fake starts an imitation, which can't judge everything."
    )


def test_an_error_carries_what_was_tried() -> None:
    """Reports read the attempts as data."""
    with pytest.raises(ServiceError) as caught:
        resolve(ways(missing("container"), missing("local")), None)
    assert [attempt.kind for attempt in caught.value.tried] == ["container", "local"]


def test_a_url_is_given_to_the_check() -> None:
    """Whatever has :// in it is a URL."""
    assert resolve(ways(there("local")), "redis://h:1/2").info.url == "redis://h:1/2"


@pytest.mark.parametrize("choice", ["", "docker", "localhost:6379", "Container"])
def test_an_unknown_word_is_answered_with_the_known_ones(choice: str) -> None:
    """A mistyped choice is no reason to start something else."""
    with pytest.raises(ServiceError, match="one of the words auto, container, local"):
        resolve(ways(there("container"), there("local")), choice)


def test_a_service_is_ended_once() -> None:
    """stop can be called again without harm."""
    ends: list[str] = []
    running = resolve(ways(there("local", ends)), None)
    running.stop()
    running.stop()
    assert ends == ["local"]


def test_a_failing_end_is_not_repeated() -> None:
    """A second stop does not raise the first one's error again."""

    def end() -> None:
        raise ServiceError("left behind", service="redis")

    running = StartedService(ServiceInfo("redis", "local", "redis://h:1", "7"), end)
    with pytest.raises(ServiceError):
        running.stop()
    running.stop()


def test_the_header_line_of_a_plain_service() -> None:
    """The header says what runs, from where, and at which address."""
    info = ServiceInfo("redis", "container", "redis://127.0.0.1:7000/0", "7.2.4", source="redis:7")
    assert info.describe() == "redis 7.2.4 (container: redis:7) at redis://127.0.0.1:7000/0"


def test_the_header_line_names_what_was_passed_over_without_its_log() -> None:
    """A log that belongs to a reason is kept out of the one line."""
    skipped = (Attempt("local", with_log("it ended with exit status 1", "line 1\nline 2"), "look"),)
    info = ServiceInfo("redis", "embedded", "redis://127.0.0.1:7000/0", "8", skipped)
    assert info.describe().endswith(" [no local: it ended with exit status 1]")


def test_the_header_line_tells_an_imitation() -> None:
    """Nobody may take a run on an imitation for a real one."""
    info = ServiceInfo("redis", "fake", "redis://127.0.0.1:7000/0", "2.40", real=False, source="fakeredis")
    assert "(fake, not a real server: fakeredis)" in info.describe()


def test_a_password_is_in_neither_header_nor_repr() -> None:
    """What is printed of a service holds no secret."""
    info = ServiceInfo("redis", "url", "redis://me:secret@h:1/0", "7")
    assert "secret" not in info.describe() + repr(info)


def test_of_a_log_only_the_end_is_shown() -> None:
    """The reason of a failed start is near the end of a log."""
    shown = with_log("It ended", "\n".join(f"line {number}" for number in range(100)))
    assert shown.startswith("It ended. The end of its log:\n      line 85\n")


def test_without_a_log_the_reason_stands_alone() -> None:
    """No empty log is announced."""
    assert with_log("It ended", "") == "It ended"
