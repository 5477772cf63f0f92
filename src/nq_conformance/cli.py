"""The command ``nq-conformance``: reads the rule catalogue aloud.

Rules are run by pytest; what is here only lists and explains them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from nq_conformance import __version__
from nq_conformance.requirements import PROFILES, Catalogue, Rule, UnknownRuleError, load, profiles_of
from nq_conformance.requirements.wording import page, table


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, or 2 for a name that is unknown.

    ``argv`` are the arguments without the program's name (default: those of the process).
    Bad usage and ``--help`` leave by ``SystemExit``, as argparse does.
    """
    arguments = _parser().parse_args(argv)
    try:
        text = arguments.command(load(), arguments)
    except UnknownRuleError as error:
        print(f"nq-conformance: {error}", file=sys.stderr)
        return 2
    return _print(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nq-conformance",
        description="Lists and explains the rules that a job-queue adapter is held to.",
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
    return parser


def _rules(catalogue: Catalogue, arguments: argparse.Namespace) -> str:
    pattern: str | None = arguments.pattern
    chosen = tuple(catalogue.rules.values()) if pattern is None else catalogue.select(pattern)
    if arguments.json:
        return json.dumps([_as_json(rule) for rule in chosen], ensure_ascii=False, indent=2)
    untested = sum(rule.untested is not None for rule in chosen)
    noun = "rule" if len(chosen) == 1 else "rules"
    return f"{table(chosen, _width())}\n\n{len(chosen)} {noun}, {untested} of them without a test."


def _explain(catalogue: Catalogue, arguments: argparse.Namespace) -> str:
    return page(catalogue, catalogue.get(arguments.rule.strip().upper()), _width())


def _areas(catalogue: Catalogue, _: argparse.Namespace) -> str:
    areas = [(area.id, len(catalogue.select(area.id)), area.title) for area in catalogue.areas.values()]
    profiles = [(name, len(catalogue.profile(name)), item.summary) for name, item in PROFILES.items()]
    rows = [("AREA", "RULES", "TITLE"), *areas, ("", "", ""), ("PROFILE", "RULES", "AN ADAPTER"), *profiles]
    return "\n".join(f"{name:<12}{count:>6}  {text}".rstrip() for name, count, text in rows)


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
        "profiles": list(profiles_of(rule)),
        "source": list(rule.source),
        "restsOn": list(rule.rests_on),
        "hints": list(rule.hints),
        "since": rule.since,
        "untested": rule.untested,
    }


def _width() -> int:
    return shutil.get_terminal_size().columns


def _print(text: str) -> int:
    """Print ``text``; a reader that stops early, such as ``head``, is no error."""
    try:
        print(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered would raise again when the interpreter flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
