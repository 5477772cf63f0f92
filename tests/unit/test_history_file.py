"""Stored histories: what is written reads the same, keeps to its schema, and nonsense is named."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from right_queue import right_histories
from told_history import Told

from nq_conformance.history import Entry
from nq_conformance.report.history_file import HistoryError, lines_of, read_history, schema, write_history

HEADER = '{"format": "nq-conformance history", "schemaVersion": 1}'
ENTRY = '{"atMs": 10, "kind": "call", "label": "init"}'


def kept(entries: list[Entry]) -> list[Entry]:
    """The entries as they are to be after a round trip: without ``data``."""
    return [Entry(e.at_ms, e.kind, e.label, e.queue, e.job_id, e.text, facts=dict(e.facts)) for e in entries]


def test_a_history_reads_as_it_was_written(tmp_path: Path) -> None:
    """Strange ids and text with line breaks among it; what tests look at is left out."""
    strange = "\ud800\u2028 {\n"
    entries = [
        Entry(1.5, "call", "enqueue", "q", strange, strange, data=object(), facts={"outcome": "returned"}),
        Entry(1.5, "fault", "killed", facts={"process": "host 1"}),
    ]
    file = tmp_path / "new folder" / "history.jsonl"
    write_history(file, entries, {"rule": "ENQ-01"})
    assert list(read_history(file)) == kept(entries)
    assert json.loads(file.read_text().splitlines()[0])["about"] == {"rule": "ENQ-01"}


@settings(deadline=None)  # on a busy machine
@given(right_histories())
def test_every_line_keeps_to_the_schema(entries: list[Entry]) -> None:
    """The schema itself is a valid one."""
    jsonschema.Draft202012Validator.check_schema(schema())
    check = jsonschema.Draft202012Validator(schema())
    for line in lines_of(entries, {"rule": "ENQ-01"}):
        check.validate(json.loads(line))


@pytest.mark.parametrize(
    "line",
    ['{"atMs": 1, "kind": "call"}', '{"atMs": 1, "kind": "nap", "label": "x"}', '{"schemaVersion": 1}'],
)
def test_the_schema_refuses_what_the_reader_refuses(line: str) -> None:
    """Samples of it."""
    assert not jsonschema.Draft202012Validator(schema()).is_valid(json.loads(line))


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "line 1: it is missing: the file is empty"),
        (["{"], "line 1: it is no JSON"),
        (["[]"], "line 1: it is no JSON object, but []"),
        ([ENTRY], 'line 1: it is no header of a history: it has no "format"'),
        ([HEADER.replace("1", "2")], "line 1: it has schemaVersion 2; this kit reads 1"),
        ([HEADER, ENTRY, "oops"], "line 3: it is no JSON"),
        ([HEADER, '{"kind": "call"}'], "line 2: it lacks atMs, label"),
        ([HEADER, ENTRY.replace("10", '"ten"')], "line 2: it has 'ten' for atMs, which should be a number"),
        ([HEADER, ENTRY.replace("10", "true")], "line 2: it has True for atMs, which should be a number"),
        ([HEADER, ENTRY.replace("call", "nap")], "line 2: it has the kind 'nap'. Known are call, event,"),
        ([HEADER, ENTRY.replace("atMs", "at")], "line 2: it lacks atMs"),
        ([HEADER, ENTRY[:-1] + ', "color": 1}'], "line 2: it has the unknown key 'color'. Known are atMs,"),
        ([HEADER, ENTRY[:-1] + ', "queue": 1}'], "line 2: it has 1 for queue, which should be a text"),
        (
            [HEADER, ENTRY[:-1] + ', "facts": {"run": "one"}}'],
            "line 2: it has 'one' for run, which should be a whole number",
        ),
        ([HEADER, ENTRY, ENTRY.replace("10", "9")], "line 3: it has atMs 9, less than the line before"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(tmp_path: Path, lines: list[str], told: str) -> None:
    """And with what is wrong in it."""
    file = tmp_path / "history.jsonl"
    file.write_text("\n".join(lines))
    with pytest.raises(HistoryError) as caught:
        read_history(file)
    assert str(caught.value).startswith(f"{file}, {told}")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    """By name."""
    with pytest.raises(HistoryError, match=r"There is no file .*gone\.jsonl"):
        read_history(tmp_path / "gone.jsonl")
    with pytest.raises(HistoryError, match="can't be read"):
        read_history(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(HistoryError, match="can't be written"):
        write_history(tmp_path / "file" / "history.jsonl", Told().entries, {})


@pytest.mark.parametrize("value", [object(), {"itself"}, 10**5_000], ids=["object", "set", "long number"])
def test_a_value_that_json_does_not_have_is_refused(tmp_path: Path, value: object) -> None:
    """And no half of a file is left."""
    file = tmp_path / "history.jsonl"
    with pytest.raises(HistoryError, match="can't be written"):
        write_history(file, [Entry(1, "call", "init", facts={"odd": value})], {})
    assert not file.exists()
