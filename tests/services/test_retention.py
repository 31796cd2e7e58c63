"""What is kept how long: the file of the checkout says everything about every table, and every slip has its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.commands.purge import how_long
from bot.errors import RetentionError
from bot.services.kept_while import CONDITIONS, ENDS
from bot.services.retention import load_retention, stored_columns
from tests.conversation.world import HOME

FILE = HOME / "config" / "retention.yaml"
TEXT = FILE.read_text(encoding="utf-8")


def problems(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "retention.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RetentionError) as caught:
        load_retention(file)
    return list(caught.value.problems)


def changed(old: str, new: str) -> str:
    assert TEXT.count(old) >= 1
    return TEXT.replace(old, new, 1)


def test_every_table_and_every_column_is_declared_exactly_once() -> None:
    retention = load_retention(FILE)
    assert retention.tables.keys() == stored_columns().keys()
    for kept in retention:
        assert sorted(kept.declared) == sorted(stored_columns()[kept.table]), kept.table


def test_every_condition_and_every_end_is_used_somewhere() -> None:
    retention = load_retention(FILE)
    used = {name for kept in retention for name in (*kept.kept_while, *kept.spared)}
    assert used == CONDITIONS.keys()
    assert {kept.until for kept in retention} - {""} == ENDS.keys()


def test_no_limit_is_counted_from_what_a_message_of_ours_touches() -> None:
    touched = {"sent_at", "try_at", "not_before", "lease_until", "hinted_on", "fetched", "closed_why"}
    retention = load_retention(FILE)
    assert [kept.table for kept in retention if touched & set(kept.counted_from)] == []


def test_what_remains_after_a_deletion_is_never_sealed_or_an_index() -> None:
    for kept in load_retention(FILE):
        if "resident_id" in stored_columns()[kept.table]:
            assert not kept.columns & {*kept.sealed, *kept.index}, kept.table


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("  stamps:\n", "  stamp:\n", "there is no table 'stamp'; did you mean 'stamps'?"),
        ("    sealed: [note_sealed]\n", "", "the column 'note_sealed' isn't declared"),
        ("plain: [name]", "plain: [name, value]", "the column 'value' is declared twice"),
        ("sealed: [note_sealed]", "digest: [note_sealed]", "the column 'note_sealed' isn't stored as 'digest'"),
        ("digest: [value]", "sealed: [value]", "the column 'value' isn't stored as 'sealed'"),
        ("counted_from: [day]", "counted_from: [normal]", "in 'counted_from': 'normal' is not one of"),
        ("kept_while: [newest_change]", "kept_while: [newest_chance]", "did you mean 'newest_change'?"),
        ("kept_while: [newest_change]", "kept_while: [newest_run]", "'newest_run' says nothing about 'colour_changes'"),
        ("until: run\n", "until: account\n", "the end of 'job_shards' can't be 'account'"),
        ("until: run\n", "until: run\n    keep_days: 3\n", "either 'keep_days' or 'until' is wanted, and not both"),
        ("keep_days: 90\n", "keep_days: -1\n", "'keep_days' is not within 0 to 36500: -1"),
        ("on_deletion: strip", "on_deletion: erase", "'on_deletion' is 'erase', not one of delete, keep, strip"),
        ("    on_deletion: keep\n", "    on_deletion: keep\n    columns: [code]\n", "'columns' goes with 'strip'"),
        ("    source: choice\n", "", "has no 'source'"),
        ("    clock: real\n", "    clock: wall\n", "'clock' is 'wall', not one of real, business"),
        ("abandoned:\n  keep_days: 730", "abandoned:\n  keep_days: 0", "'keep_days' is not within 1 to 36500: 0"),
    ],
)  # fmt: skip
def test_each_slip_is_named_with_its_line(tmp_path: Path, old: str, new: str, problem: str) -> None:
    found = problems(tmp_path, changed(old, new))
    assert any(problem in line for line in found), found
    assert all(re.match(r"retention\.yaml:\d+: ", line) for line in found)


def test_table_that_is_not_mentioned_is_named(tmp_path: Path) -> None:
    begin, end = TEXT.index("  clock_offset:"), TEXT.index("  job_runs:")
    found = problems(tmp_path, TEXT[:begin] + TEXT[end:])
    assert [line.split(": ", 1)[1] for line in found] == ["nothing is said about the table 'clock_offset'"]


def test_missing_and_empty_files_are_refused_with_a_line(tmp_path: Path) -> None:
    assert problems(tmp_path, "") == ["retention.yaml:1: the file is empty"]
    with pytest.raises(RetentionError, match=r"nowhere\.yaml:1: "):
        load_retention(tmp_path / "nowhere.yaml")


def test_privacy_document_has_the_same_table() -> None:
    text = (HOME / "docs" / "privacy.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| `(\w+)` \| (.+) \| (delete|keep|strip) \|$", text, flags=re.MULTILINE)
    retention = load_retention(FILE)
    wanted = [(kept.table, how_long(kept), kept.on_deletion) for kept in retention]
    assert [(table, how.replace("`", ""), deletion) for table, how, deletion in shown] == wanted
    assert f"spoken for {retention.abandoned.keep_days} days" in text
