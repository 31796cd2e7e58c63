"""The copy before a migration: whole, private, and not more than three of them."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import MigrationRefused
from bot.store.sqlite_copy import copies, copy_before


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "yima.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1);")
    path.chmod(0o600)
    return path


def test_a_copy_has_what_is_still_in_the_write_ahead_log(file: Path) -> None:
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("INSERT INTO t VALUES (2)")
        writer.commit()
        copy = copy_before(file, "0002_checks")
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT a FROM t").fetchall() == [(1,), (2,)]


def test_a_copy_is_as_private_as_the_database(file: Path) -> None:
    copy = copy_before(file, "0002_checks")
    assert copy.name == "yima.db.before-0002_checks"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_the_newest_three_copies_are_kept(file: Path) -> None:
    for number in range(1, 6):
        copy = copy_before(file, f"000{number}")
        os.utime(copy, (number, number))
    copy_before(file, "0006")
    assert [copy.name[-4:] for copy in copies(file)] == ["0006", "0005", "0004"]


def test_without_a_copy_there_is_no_migration(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(MigrationRefused, match="no copy could be made before migrating: no space left"):
        copy_before(file, "0002_checks")
    assert copies(file) == []
    assert [path.name for path in file.parent.iterdir() if "before" in path.name] == []
