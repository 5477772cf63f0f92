"""The summary at the end of a run, as plain lines that read well without colours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from nq_conformance.report.profiles import profile_line
from nq_conformance.report.result import AdapterResult, RunResult
from nq_conformance.report.verdict import RuleVerdict, Verdict
from nq_conformance.report.wrapping import WIDTH, shortened, wrapped
from nq_conformance.requirements import Catalogue

_COLUMNS: Mapping[Verdict, str] = {
    Verdict.PASSED: "passed",
    Verdict.FAILED: "failed",
    Verdict.WAIVED: "waived",
    Verdict.BLOCKED: "blocked",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.NOT_CLAIMED: "not claimed",
    Verdict.UNTESTED: "untested",
}
_TOLD = (Verdict.FAILED, Verdict.BLOCKED, Verdict.INCONCLUSIVE, Verdict.WAIVED)
_LEVELS = ("MUST", "SHOULD", "MAY")


def summary_lines(result: RunResult, width: int = WIDTH) -> list[str]:
    """All lines of the summary; none is wider than ``width``."""
    width = max(60, min(width, WIDTH))
    lines: list[str] = []
    for adapter in result.adapters:
        lines += [*_adapter_lines(adapter, result, width), ""]
    lines += _run_lines(result, width)
    return lines


def _adapter_lines(result: AdapterResult, run: RunResult, width: int) -> Iterator[str]:
    adapter = result.adapter
    claims = f"; claims {', '.join(adapter.capabilities)}" if adapter.capabilities else ""
    heading = f"{adapter.id} ({adapter.target}) on {', '.join(adapter.backends)}{claims}"
    yield from wrapped(heading, width)
    yield ""
    yield from _table(result.verdicts, run.scope.catalogue)
    for verdict in _TOLD:
        chosen = [v for v in result.verdicts if v.verdict is verdict]
        for number, one in enumerate(chosen):
            yield from _verdict_lines(one, run.scope.catalogue, width, first=number == 0)
    yield ""
    yield from _profile_lines(result, run, width)
    for kind, texts in (("also works, though not declared", result.notes), ("warning", result.warnings)):
        for text in texts:
            yield from _indented(f"{kind}: {text}", width)


def _table(verdicts: Sequence[RuleVerdict], catalogue: Catalogue) -> Iterator[str]:
    counts: dict[tuple[str, str], Counter[Verdict]] = {}
    for one in verdicts:
        rule = catalogue.get(one.rule)
        counts.setdefault((rule.area, str(rule.level).upper()), Counter())[one.verdict] += 1
    shown = {v: name for v, name in _COLUMNS.items() if any(c[v] for c in counts.values())}
    if not shown:
        return
    yield f"  {'area':<6}{'level':<8}" + "".join(f"{name:>{len(name) + 2}}" for name in shown.values())
    areas = {area: index for index, area in enumerate(catalogue.areas)}
    rows = sorted(counts, key=lambda row: (areas.get(row[0], len(areas)), _LEVELS.index(row[1])))
    for row in (row for row in rows if any(counts[row][v] for v in shown)):
        yield f"  {row[0]:<6}{row[1]:<8}" + _cells(counts[row], shown)
    yield f"  {'all':<14}" + _cells(sum(counts.values(), Counter()), shown)


def _cells(counts: Counter[Verdict], shown: Mapping[Verdict, str]) -> str:
    return "".join(f"{counts[verdict] or '.':>{len(name) + 2}}" for verdict, name in shown.items())


def _verdict_lines(one: RuleVerdict, catalogue: Catalogue, width: int, *, first: bool) -> Iterator[str]:
    rule = catalogue.get(one.rule)
    if first:
        yield ""
    head = f"  {one.verdict.value:<13} {rule.id} {str(rule.level).upper()}  "
    yield shortened(head + rule.sentence, width)
    if one.reason:
        yield shortened(f"  {'':13} {one.reason}", width)


def _profile_lines(result: AdapterResult, run: RunResult, width: int) -> Iterator[str]:
    if run.partial:
        yield "  profiles: none awarded, because this run is partial"
        return
    if run.fake_service:
        yield "  profiles: none awarded, because a fake service does not certify"
        return
    yield "  profiles"
    for profile in result.profiles:
        yield from _indented(profile_line(profile), width, indent=4)


def _run_lines(result: RunResult, width: int) -> Iterator[str]:
    if result.partial:
        yield "Partial run: only a part of the rules was selected. It awards nothing."
    if result.fake_service:
        yield "fakeredis: does not certify. Run again with a real Redis (--nq-redis)."
    if result.green:
        yield "All rules that ran passed or are waived."
        return
    yield "Not green:"
    for adapter in result.adapters:
        for problem in adapter.problems:
            yield from _indented(f"{adapter.adapter.id}: {problem}", width)
    for problem in result.problems:
        yield from _indented(problem, width)


def _indented(text: str, width: int, indent: int = 2) -> Iterator[str]:
    first, *rest = wrapped(text, width - indent - 2)
    yield " " * indent + first
    yield from (" " * (indent + 2) + line for line in rest)
