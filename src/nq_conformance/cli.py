"""The command ``nq-conformance``: reads the rule catalogue aloud, and judges stored histories.

Rules are run by pytest; what is here only lists and explains them, and looks again at what was recorded.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nq_conformance import __version__
from nq_conformance.checkers import check
from nq_conformance.report.check_text import check_text
from nq_conformance.report.history_file import HistoryError, read_history
from nq_conformance.requirements import PROFILES, Rule, UnknownRuleError, load, profiles_of
from nq_conformance.requirements.wording import page, table


class Answer(NamedTuple):
    """What a command prints, and its exit code."""

    text: str
    code: int = 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 1 for a history with a breach, or 2 for a
    name that is unknown or a file that is no history.

    ``argv`` are the arguments without the program's name (default: those of the process).
    Bad usage and ``--help`` leave by ``SystemExit``, as argparse does.
    """
    arguments = _parser().parse_args(argv)
    try:
        answer: Answer = arguments.command(arguments)
    except (UnknownRuleError, HistoryError) as error:
        print(f"nq-conformance: {error}", file=sys.stderr)
        return 2
    _print(answer.text)
    return answer.code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nq-conformance",
        description="Lists and explains the rules that a job-queue adapter is held to, and checks histories.",
        epilog="The rules are run by pytest: pytest --nq-adapter=package:Provider",
    )
    parser.add_argument("--version", action="version", version=f"nq-conformance {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    rules = commands.add_parser("rules", help="list rules", description="Lists rules, one a row.")
    rules.add_argument("pattern", nargs="?", help="a rule's id, an area or a profile; default: all rules")
    rules.add_argument("--json", action="store_true", help="print JSON, with all that is known of each rule")
    rules.set_defaults(command=_rules)

    explain = commands.add_parser("explain", help="tell all about one rule", description="Explains one rule.")
    explain.add_argument("rule", help="the rule's id, for example ORD-01")
    explain.set_defaults(command=_explain)

    areas = commands.add_parser(
        "areas", help="list areas and profiles", description="Lists areas and profiles."
    )
    areas.set_defaults(command=_areas)

    checking = commands.add_parser(
        "check",
        help="check stored histories",
        description="Checks histories that --nq-histories has stored. Exit code 0: no breach; 1: a breach; "
        "2: a file is no history. What a history can't prove is unknown, and no breach.",
    )
    checking.add_argument("histories", nargs="+", type=Path, metavar="HISTORY", help="a file")
    checking.set_defaults(command=_check)
    return parser


def _rules(arguments: argparse.Namespace) -> Answer:
    catalogue = load()
    pattern: str | None = arguments.pattern
    chosen = tuple(catalogue.rules.values()) if pattern is None else catalogue.select(pattern)
    if arguments.json:
        return Answer(json.dumps([_as_json(rule) for rule in chosen], ensure_ascii=False, indent=2))
    untested = sum(rule.untested is not None for rule in chosen)
    noun = "rule" if len(chosen) == 1 else "rules"
    return Answer(f"{table(chosen, _width())}\n\n{len(chosen)} {noun}, {untested} of them without a test.")


def _explain(arguments: argparse.Namespace) -> Answer:
    catalogue = load()
    return Answer(page(catalogue, catalogue.get(arguments.rule.strip().upper()), _width()))


def _areas(_: argparse.Namespace) -> Answer:
    catalogue = load()
    areas = [(area.id, len(catalogue.select(area.id)), area.title) for area in catalogue.areas.values()]
    profiles = [(name, len(catalogue.profile(name)), item.summary) for name, item in PROFILES.items()]
    rows = [("AREA", "RULES", "TITLE"), *areas, ("", "", ""), ("PROFILE", "RULES", "AN ADAPTER"), *profiles]
    return Answer("\n".join(f"{name:<12}{count:>6}  {text}".rstrip() for name, count, text in rows))


def _check(arguments: argparse.Namespace) -> Answer:
    judged = {file: check(read_history(file)) for file in arguments.histories}
    text = "\n\n".join(check_text(str(file), verdicts, _width()) for file, verdicts in judged.items())
    broken = any(verdict.findings for verdicts in judged.values() for verdict in verdicts)
    return Answer(text, 1 if broken else 0)


def _as_json(rule: Rule) -> dict[str, Any]:
    """A rule for machines; keys in camelCase, like everything the kit writes as JSON."""
    return {
        "id": rule.id,
        "area": rule.area,
        "level": rule.level,
        "sentence": rule.sentence,
        "why": rule.why,
        "fault": rule.fault,
        "flags": list(rule.ordered_flags),
        "capabilities": list(rule.capabilities),
        "uses": list(rule.uses),
        "profiles": list(profiles_of(rule)),
        "source": list(rule.source),
        "restsOn": list(rule.rests_on),
        "hints": list(rule.hints),
        "since": rule.since,
        "untested": rule.untested,
    }


def _width() -> int:
    return shutil.get_terminal_size().columns


def _print(text: str) -> None:
    """Print ``text``; a reader that stops early, such as ``head``, is no error."""
    try:
        print(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered would raise again when the interpreter flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    raise SystemExit(main())
