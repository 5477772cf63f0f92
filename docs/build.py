"""Writes what is printed from data: the pages of the rules and of a job's life, and the schemas.

``python docs/build.py`` writes them, ``python docs/build.py --check`` only tells whether they
are current, by its exit code.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from nq_conformance.adapters.host.schema import protocol_schema
from nq_conformance.contract.lifecycle import TRANSITIONS, Transition
from nq_conformance.requirements import Area, Catalogue, Rule, link_of, load, profiles_of
from nq_reference.config.app_schema import app_config_schema
from nq_reference.registry.schema import worker_config_schema

DOCS = Path(__file__).parent
HOST_SCHEMA = DOCS.parent / "src/nq_conformance/adapters/host/schemas/host-1.json"
APP_SCHEMA = DOCS.parent / "src/nq_reference/config/schemas/app-config-1.json"
WORKER_SCHEMA = DOCS.parent / "src/nq_reference/registry/schemas/worker-config-1.json"
NOTE = "<!-- Printed by docs/build.py; change the data, not this page. -->"


def pages() -> Iterator[tuple[Path, str]]:
    """Every printed page: where it belongs, and its text."""
    catalogue = load()
    yield HOST_SCHEMA, json.dumps(protocol_schema(), indent=2) + "\n"
    yield APP_SCHEMA, json.dumps(app_config_schema(), indent=2) + "\n"
    yield WORKER_SCHEMA, json.dumps(worker_config_schema(), indent=2) + "\n"
    yield DOCS / "lifecycle.md", lifecycle_page()
    yield DOCS / "rules" / "README.md", index_page(catalogue)
    for area in catalogue.areas.values():
        yield DOCS / "rules" / f"{area.id}.md", area_page(catalogue, area)


def lifecycle_page() -> str:
    """The table of moves, as a diagram and as a table."""
    moves = "\n".join(f"    {_state(t.source)} --> {_state(t.target)}: {t.verb}" for t in TRANSITIONS)
    rows = "\n".join(_row(t) for t in TRANSITIONS)
    return f"""{NOTE}
# The life of a job

Every move that a job may make. The suite checks what it sees against this table, and the reference moves jobs
by it (`nq_conformance.contract.lifecycle`).

```mermaid
stateDiagram-v2
{moves}
```

| from | by | to | event | ends an attempt |
|---|---|---|---|---|
{rows}

`paused` is a view of `waiting` on a held queue, which an adapter may show or not.
"""


def index_page(catalogue: Catalogue) -> str:
    """All areas, with how many of their rules are tested."""
    rows = []
    for area in catalogue.areas.values():
        rules = [rule for rule in catalogue.rules.values() if rule.area == area.id]
        tested = sum(rule.untested is None for rule in rules)
        rows.append(f"| [{area.id}]({area.id}.md) | {area.title} | {len(rules)} | {tested} |")
    listing = "\n".join(rows)
    return f"""{NOTE}
# The rules

| area | about | rules | with a test |
|---|---|---|---|
{listing}

`nq-conformance rules` lists them on a terminal, `nq-conformance explain ORD-01` tells all about one.
"""


def area_page(catalogue: Catalogue, area: Area) -> str:
    """One area's rules."""
    rules = [rule for rule in catalogue.rules.values() if rule.area == area.id]
    body = "\n".join(_rule(rule) for rule in rules)
    return f"{NOTE}\n# {area.id}: {area.title}\n\n{area.intro}\n\n{body}"


def _rule(rule: Rule) -> str:
    lines = [f"## {rule.id}", "", f"**{rule.sentence}**", "", rule.why, ""]
    lines.append(f"- A wrong adapter: {rule.fault}")
    lines.append(f"- Profile: {', '.join(profiles_of(rule))}")
    if rule.services:
        lines.append(f"- Asked of adapters with the service: {', '.join(rule.services)}")
    if rule.rests_on:
        lines.append(f"- Rests on: {', '.join(_rule_link(id) for id in rule.rests_on)}")
    if rule.source:
        lines.append(f"- Source: {', '.join(_source(source) for source in rule.source)}")
    if rule.untested is not None:
        lines.append(f"- Untested: {rule.untested}")
    if rule.hints:
        lines += ["- Look at first:", *(f"  - {hint}" for hint in rule.hints)]
    return "\n".join([*lines, ""])


def _rule_link(id: str) -> str:
    return f"[{id}]({id.partition('-')[0]}.md#{id.lower()})"


def _source(source: str) -> str:
    link = link_of(source)
    return f"[{source}]({link})" if link else source


def _state(state: str | None) -> str:
    return state or "[*]"


def _row(t: Transition) -> str:
    ends = "yes" if t.ends_attempt else ""
    return f"| {t.source or '(none)'} | {t.verb} | {t.target or '(none)'} | {t.event or ''} | {ends} |"


def main() -> int:
    """Write or check; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit with 1 if a page is stale")
    check = parser.parse_args().check
    stale = [page for page, text in pages() if not page.exists() or page.read_text() != text]
    if check:
        print(
            "\n".join(f"stale: {page.relative_to(DOCS.parent)}" for page in stale) or "all pages are current"
        )
        return 1 if stale else 0
    for page, text in pages():
        page.parent.mkdir(exist_ok=True)
        page.write_text(text)
    print(f"{len(stale)} pages written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
