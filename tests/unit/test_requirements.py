"""The rule catalogue: the packaged data is complete and sound, and the loader refuses what is not."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from nq_conformance.adapters import Capability, Service
from nq_conformance.requirements import (
    AREA_ORDER,
    KNOWN_CAPABILITIES,
    KNOWN_SERVICES,
    LEVELS,
    PROFILES,
    Catalogue,
    CatalogueError,
    Rule,
    UnknownRuleError,
    claims_of,
    lacks,
    link_of,
    load,
    load_from,
    profiles_of,
)

RULES_PER_AREA = {
    "LIFE": 9,
    "ENQ": 18,
    "QRY": 15,
    "CNT": 5,
    "ORD": 6,
    "PRI": 5,
    "PAU": 12,
    "EVT": 13,
    "SCH": 17,
    "RTY": 13,
    "CON": 7,
    "DSP": 8,
    "RUN": 8,
    "CTX": 5,
    "RPC": 25,
    "STL": 10,
    "DUR": 6,
    "DST": 6,
    "FLT": 7,
    "SEC": 5,
}

ABC = """
area = "ABC"
title = "Title"
intro = "Intro."

[[rule]]
id = "ABC-01"
level = "MUST"
sentence = "It MUST work."
why = "Because."
fault = "Does not."
flags = ["w"]
capabilities = ["cron"]
source = ["S§1"]
rests_on = []
hints = ["Look."]
since = "0.1.0"

[[rule]]
id = "ABC-02"
level = "SHOULD"
sentence = \"\"\"
It SHOULD work
well.\"\"\"
why = "Because."
fault = "Does not."
flags = []
source = []
rests_on = ["ABC-01"]
hints = ["Look."]
since = "0.1.0"
untested = "not written"
"""

XYZ = ABC.replace("ABC", "XYZ")

Write = Callable[..., Catalogue]


@pytest.fixture
def catalogue() -> Catalogue:
    return load()


@pytest.fixture
def load_texts(tmp_path: Path) -> Write:
    """Load files of these names and texts, in order."""

    def load_these(**texts: str) -> Catalogue:
        for name, text in texts.items():
            (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
        return load_from(tmp_path / f"{name}.toml" for name in texts)

    return load_these


def all_rules() -> list[Rule]:
    return list(load().rules.values())


# The packaged data


def test_the_catalogue_has_every_rule_in_order(catalogue: Catalogue) -> None:
    """Areas in their order, and in each area the ids from 01 on without a gap."""
    expected = [f"{area}-{n:02}" for area, count in RULES_PER_AREA.items() for n in range(1, count + 1)]
    assert len(expected) == 200
    assert list(catalogue.rules) == expected


def test_every_packaged_rule_file_is_loaded() -> None:
    """A file that is in the folder but not in the order of areas would be silently left out."""
    folder = files("nq_conformance.requirements") / "rules"
    assert {entry.name for entry in folder.iterdir()} == {f"{area}.toml" for area in AREA_ORDER}


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_a_rule_has_the_strongest_word_of_its_sentence_as_level(rule: Rule) -> None:
    """The level is not an opinion beside the sentence."""
    words = re.findall(r"\b(?:MUST|SHOULD|MAY)\b", rule.sentence)
    assert rule.level == min(words, key=LEVELS.index)


def test_the_known_capabilities_and_services_are_those_of_the_adapters() -> None:
    """The lists are kept twice, because the catalogue must not import the adapters."""
    assert {capability.value for capability in Capability} == KNOWN_CAPABILITIES
    assert {service.value for service in Service} == KNOWN_SERVICES


def test_no_rule_rests_on_itself_through_others(catalogue: Catalogue) -> None:
    """Otherwise a rule would block itself."""
    circular = [rule.id for rule in all_rules() if rule in catalogue.roots_of(rule.id)]
    assert circular == []


def test_no_rule_rests_on_one_that_asks_more_of_an_adapter(catalogue: Catalogue) -> None:
    """Otherwise a provider without workers would have its rules rest on unclaimed ones."""
    wrong = [
        (rule.id, root.id)
        for rule in all_rules()
        for root in catalogue.roots_of(rule.id)
        if not claims_of(root) <= claims_of(rule) or (root.services and root.services != rule.services)
    ]
    assert wrong == []


def test_no_rule_rests_on_one_that_need_not_be_kept(catalogue: Catalogue) -> None:
    """A SHOULD that an adapter has good reason to leave out must not block a MUST."""
    weak = [(r.id, root.id) for r in all_rules() for root in catalogue.roots_of(r.id) if root.level != "MUST"]
    assert weak == []


def test_no_rule_names_a_root_that_another_root_implies(catalogue: Catalogue) -> None:
    """``rests_on`` holds direct roots only, so that a change has one place."""
    spare = [
        (rule.id, root)
        for rule in all_rules()
        for root in rule.rests_on
        if any(catalogue.get(root) in catalogue.roots_of(other) for other in rule.rests_on)
    ]
    assert spare == []


def test_every_rule_but_a_few_rests_on_enqueue_or_on_nothing(catalogue: Catalogue) -> None:
    """An adapter that can't store a job fails one rule and a handful that need no job."""
    rootless = {rule.id for rule in all_rules() if catalogue.get("ENQ-02") not in catalogue.roots_of(rule.id)}
    assert rootless == {*("LIFE-03", "ENQ-02", "ENQ-03", "CNT-01", "PAU-01", "EVT-05", "SCH-07", "CON-03")}


def test_every_rule_seen_through_a_worker_rests_on_the_handler_being_called(catalogue: Catalogue) -> None:
    """A worker that runs nothing shows as DSP-02, and all the rest as blocked."""
    dsp_02 = catalogue.get("DSP-02")
    unrooted = {
        rule.id for rule in all_rules() if "w" in rule.flags and dsp_02 not in catalogue.roots_of(rule.id)
    }
    assert unrooted == {"DSP-02"}


# Profiles and claims


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_every_rule_belongs_to_a_profile(rule: Rule) -> None:
    """What is in no profile would be asked of nobody."""
    assert profiles_of(rule)


@pytest.mark.parametrize(
    ("rule_id", "profiles"),
    [
        ("ENQ-02", ("core",)),
        ("CNT-05", ("distributed",)),
        ("PAU-01", ("core",)),
        ("ORD-01", ("worker",)),
        ("LIFE-07", ("worker",)),
        ("CON-03", ("worker",)),
        ("SCH-10", ("worker",)),
        ("PAU-08", ("durable",)),
        ("ORD-06", ("durable",)),
        ("STL-01", ("durable", "distributed")),
        ("EVT-12", ("distributed",)),
        ("RPC-13", ("runtime",)),
    ],
)
def test_the_profile_of_a_rule_follows_from_its_flags(rule_id: str, profiles: tuple[str, ...]) -> None:
    """One example for each case in the profiles' definition."""
    assert profiles_of(load().get(rule_id)) == profiles


@pytest.mark.parametrize(
    ("rule_id", "claims"),
    [
        ("ENQ-02", set()),
        ("FLT-01", {"distributed"}),
        ("ORD-01", {"worker"}),
        ("CON-03", {"worker"}),
        ("PAU-08", {"durable"}),
        ("SCH-11", {"worker", "distributed", "cron"}),
        ("SCH-10", {"cron"}),
        ("EVT-12", {"worker", "distributed", "distributed_events"}),
        ("RPC-01", {"worker"}),
        ("RPC-07", {"worker", "python_runtime"}),
        ("STL-01", {"worker", "durable", "distributed"}),
    ],
)
def test_a_rule_applies_to_adapters_that_claim_what_it_needs(rule_id: str, claims: set[str]) -> None:
    """Flags and capabilities become claims; a fault is the kit's doing and becomes none."""
    assert claims_of(load().get(rule_id)) == claims


def test_every_capability_is_put_to_the_test() -> None:
    """By a tested rule that needs it, or one that uses it where it is claimed."""
    tested = [rule for rule in load().rules.values() if rule.untested is None]
    proved = {name for rule in tested for name in (*claims_of(rule), *rule.alternatives, *rule.uses)}
    assert KNOWN_CAPABILITIES - proved == set()


def test_a_rule_about_a_service_needs_one_of_those_that_it_names() -> None:
    """Whatever else the adapter claims."""
    rule = load().get("DST-03")
    claims = claims_of(rule)
    assert lacks(rule, claims | {"redis"}) == ()
    assert lacks(rule, claims | {"directory"}) == ("the service none or postgres or redis",)
    assert lacks(rule, (claims | {"directory"}) - {"worker"})[0] == "worker"


def test_a_rule_about_children_needs_one_runtime_whichever_it_is() -> None:
    """Unless it names one itself."""
    assert lacks(load().get("RPC-01"), frozenset({"worker", "node_runtime"})) == ()
    assert lacks(load().get("RPC-01"), frozenset({"worker", "python_runtime"})) == ()
    assert lacks(load().get("RPC-01"), frozenset({"worker"})) == ("python_runtime or node_runtime",)
    assert lacks(load().get("RPC-07"), frozenset({"worker", "node_runtime"})) == ("python_runtime",)


# Asking


@pytest.mark.parametrize("name", list(PROFILES))
def test_selecting_a_profile_gives_its_rules(catalogue: Catalogue, name: str) -> None:
    """A profile is selected by its name, in any case."""
    assert catalogue.select(name.title()) == tuple(rule for rule in all_rules() if name in profiles_of(rule))


def test_selecting_an_area_gives_its_rules_in_order(catalogue: Catalogue) -> None:
    """An area is selected by its name, in any case."""
    assert [rule.id for rule in catalogue.select("cnt")] == ["CNT-01", "CNT-02", "CNT-03", "CNT-04", "CNT-05"]


def test_selecting_a_rule_gives_that_rule(catalogue: Catalogue) -> None:
    """An id is taken in any case, with white space around it."""
    assert catalogue.select(" ord-01 ") == (catalogue.get("ORD-01"),)


def test_selecting_an_unknown_name_lists_what_there_is(catalogue: Catalogue) -> None:
    """The message has areas, profiles and the nearest ids, so that nobody has to look them up."""
    with pytest.raises(UnknownRuleError) as caught:
        catalogue.select("ord-1")
    assert all(name in str(caught.value) for name in ("'ord-1'", "LIFE", "SEC", "durable", "ORD-01"))


def test_getting_an_unknown_rule_names_the_nearest(catalogue: Catalogue) -> None:
    """The nearest ids are in the message and on the error."""
    with pytest.raises(UnknownRuleError, match=r"'ENQ-2'.*ENQ-02") as caught:
        catalogue.get("ENQ-2")
    assert "ENQ-02" in caught.value.nearest


def test_an_unknown_profile_is_refused_by_name(catalogue: Catalogue) -> None:
    """``profile`` takes no areas and no ids."""
    with pytest.raises(UnknownRuleError, match=r"no profile 'ORD'.*core"):
        catalogue.profile("ORD")


def test_roots_are_transitive_and_in_catalogue_order(catalogue: Catalogue) -> None:
    """ORD-04 names ORD-01 and RTY-01; what those rest on comes along."""
    roots = [rule.id for rule in catalogue.roots_of("ORD-04")]
    assert roots == ["ENQ-02", "ENQ-03", "ORD-01", "RTY-01", "CON-01", "DSP-02", "DSP-06"]


@pytest.mark.parametrize(
    ("source", "link"),
    [
        ("taskforcesh/bullmq#2199", "https://github.com/taskforcesh/bullmq/issues/2199"),
        (
            "celery/celery#5188 (as an infinite loop)",
            "https://github.com/celery/celery/issues/5188",
        ),
        ("https://example.org/a/pull/1", "https://example.org/a/pull/1"),
        ("S§1", None),
        ("nuxt-queue file adapter (header)", None),
    ],
)
def test_a_source_that_can_be_followed_has_a_link(source: str, link: str | None) -> None:
    """Issues of public repositories and URLs can be followed, other sources can't."""
    assert link_of(source) == link


# Loading


def test_the_packaged_catalogue_is_read_once() -> None:
    """Two calls give the same object."""
    assert load() is load()


def test_white_space_in_texts_is_folded(load_texts: Write) -> None:
    """Long texts may be wrapped in the file."""
    assert load_texts(ABC=ABC).get("ABC-02").sentence == "It SHOULD work well."


def test_fields_reach_the_rule(load_texts: Write) -> None:
    """Every field of the file is on the value, and optional ones have their defaults."""
    loaded = load_texts(ABC=ABC)
    assert loaded.get("ABC-01") == Rule(
        id="ABC-01",
        area="ABC",
        level="MUST",
        sentence="It MUST work.",
        why="Because.",
        fault="Does not.",
        flags=frozenset({"w"}),
        capabilities=("cron",),
        services=(),
        source=("S§1",),
        rests_on=(),
        hints=("Look.",),
        since="0.1.0",
        untested=None,
    )


def test_files_keep_the_order_in_which_they_are_given(load_texts: Write) -> None:
    """Catalogue order is the caller's."""
    assert list(load_texts(XYZ=XYZ, ABC=ABC).areas) == ["XYZ", "ABC"]


RULE_ERRORS = {
    "unknown field": (
        'why = "Because."',
        'why = "Because."\nreason = "x"',
        "ABC-01",
        "unknown field 'reason'",
    ),
    "missing field": ('fault = "Does not."\nflags = []', "flags = []", "ABC-02", "'fault' is missing"),
    "text of wrong type": (
        'since = "0.1.0"\n\n',
        "since = 1\n\n",
        "ABC-01",
        "since is 1; it must be a non-empty",
    ),
    "list of wrong type": ('flags = ["w"]', 'flags = "w"', "ABC-01", "flags is 'w'; it must be a list"),
    "entry of wrong type": (
        'rests_on = ["ABC-01"]',
        "rests_on = [1]",
        "ABC-02",
        r"rests_on is \[1\]; it must be",
    ),
    "empty text": ('why = "Because."', 'why = "  "', "ABC-01", "why is '  '; it must be a non-empty text"),
    "empty entry": ('hints = ["Look."]', 'hints = [""]', "ABC-01", "hints is .*non-empty texts"),
    "bad level": ('level = "SHOULD"', 'level = "OUGHT"', "ABC-02", "'OUGHT'; allowed are MUST, SHOULD, MAY"),
    "bad flag": ('flags = ["w"]', 'flags = ["x"]', "ABC-01", "flags has 'x'; allowed are w, d, p, f"),
    "flag twice": ('flags = ["w"]', 'flags = ["w", "w"]', "ABC-01", "flags names something twice: w, w"),
    "bad capability": ('["cron"]', '["chron"]', "ABC-01", "'chron'; allowed are cron, cron_seconds"),
    "claim of a flag": ('["cron"]', '["durable"]', "ABC-01", "'durable'; allowed are"),
    "no hint": (
        'hints = ["Look."]',
        "hints = []",
        "ABC-01",
        "hints has 0 entries; it must have one to three",
    ),
    "four hints": ('["Look."]', '["a", "b", "c", "d"]', "ABC-01", "hints has 4 entries"),
    "id of another area": ('"ABC-02"', '"XYZ-02"', "XYZ-02", "id must be ABC- and two digits"),
    "id of wrong format": ('"ABC-02"', '"ABC-2"', "ABC-2", "id must be ABC- and two digits"),
    "id missing": ('id = "ABC-02"\n', "", "rule number 2", "'id' is missing"),
    "id twice": ('id = "ABC-02"', 'id = "ABC-01"', "ABC-01", "used twice"),
    "dangling root": ('["ABC-01"]', '["ABC-09"]', "ABC-02", "rests_on names ABC-09, which is no rule"),
    "rests on itself": ('["ABC-01"]', '["ABC-02"]', "ABC-02", "circle: ABC-02 -> ABC-02"),
    "circle": ("rests_on = []", 'rests_on = ["ABC-02"]', "ABC-01", "circle: ABC-01 -> ABC-02 -> ABC-01"),
}


@pytest.mark.parametrize(("old", "new", "place", "problem"), RULE_ERRORS.values(), ids=RULE_ERRORS)
def test_a_mistake_in_a_rule_is_told_with_file_and_id(
    load_texts: Write, old: str, new: str, place: str, problem: str
) -> None:
    """Whoever edits the catalogue learns where the mistake is and what is allowed."""
    assert old in ABC
    with pytest.raises(CatalogueError, match=problem) as caught:
        load_texts(ABC=ABC.replace(old, new, 1))
    assert str(caught.value).startswith(f"Rule catalogue, ABC.toml, {place}: ")
    assert (caught.value.file, caught.value.rule_id) == ("ABC.toml", place)


FILE_ERRORS = {
    "no TOML": ('area = "ABC"', "area = ", "this is not TOML"),
    "no area": ('area = "ABC"', "", "'area' is missing"),
    "unknown head field": ('title = "Title"', 'title = "Title"\nsummary = "x"', "unknown field 'summary'"),
    "empty intro": ('intro = "Intro."', 'intro = ""', "intro is ''; it must be a non-empty text"),
    "area of another file": ('area = "ABC"', 'area = "XYZ"', "area is 'XYZ'; it must be .* the file's name"),
}


@pytest.mark.parametrize(("old", "new", "problem"), FILE_ERRORS.values(), ids=FILE_ERRORS)
def test_a_mistake_in_the_head_of_a_file_is_told_with_the_file(
    load_texts: Write, old: str, new: str, problem: str
) -> None:
    """A mistake that belongs to no rule names the file alone."""
    assert old in ABC
    with pytest.raises(CatalogueError, match=problem) as caught:
        load_texts(ABC=ABC.replace(old, new, 1))
    assert str(caught.value).startswith("Rule catalogue, ABC.toml: ")


@pytest.mark.parametrize("rules", ["", "rule = []", "rule = [1]", "rule = 1"])
def test_a_file_without_rules_is_refused(load_texts: Write, rules: str) -> None:
    """An area with nothing in it would be green by default."""
    head = ABC.partition("[[rule]]")[0]
    with pytest.raises(CatalogueError, match=r"ABC\.toml: there is no rule"):
        load_texts(ABC=head + rules)


def test_a_missing_file_is_told_as_an_incomplete_package(tmp_path: Path) -> None:
    """Not as a bare FileNotFoundError."""
    with pytest.raises(CatalogueError, match=r"ABC\.toml: the file is missing"):
        load_from([tmp_path / "ABC.toml"])


def test_an_area_given_twice_is_refused(tmp_path: Path) -> None:
    """Two folders with the same area can't be merged by accident."""
    path = tmp_path / "ABC.toml"
    path.write_text(ABC, encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"ABC\.toml: area ABC has been read already"):
        load_from([path, path])


def test_importing_the_catalogue_loads_no_test_tool() -> None:
    """Reports and documentation read the catalogue where pytest and anyio may be absent."""
    program = (
        "import sys, nq_conformance.requirements as r; r.load()\n"
        "print(*[name for name in ('pytest', '_pytest', 'anyio', 'hypothesis') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
