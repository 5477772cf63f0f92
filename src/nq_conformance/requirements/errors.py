"""Errors of the catalogue: a mistake in its files, or a question about a rule it does not have."""

from __future__ import annotations


class RequirementsError(Exception):
    """Base of the errors raised here."""


class CatalogueError(RequirementsError):
    """A rule file says something that can't be; the fault is the catalogue's, never an adapter's.

    ``file`` is the name of the TOML file, ``rule_id`` the rule (``None`` where the file as a
    whole is meant), ``problem`` what is wrong and what is allowed.
    """

    def __init__(self, file: str, rule_id: str | None, problem: str) -> None:
        self.file = file
        self.rule_id = rule_id
        self.problem = problem
        where = file if rule_id is None else f"{file}, {rule_id}"
        super().__init__(f"Rule catalogue, {where}: {problem}")


class UnknownRuleError(RequirementsError, LookupError):
    """No rule, area or profile has the name asked for; ``nearest`` are names that resemble it."""

    def __init__(self, name: str, nearest: tuple[str, ...], hint: str) -> None:
        self.name = name
        self.nearest = nearest
        likely = f" Did you mean {' or '.join(nearest)}?" if nearest else ""
        super().__init__(f"{hint}{likely}")
