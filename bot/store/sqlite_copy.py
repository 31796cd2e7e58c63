"""A copy of the SQLite file before its schema changes: the way back when a release has to be taken back."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.errors import MigrationRefused

KEPT = 3


def copy_before(path: Path, revision: str) -> Path:
    """Copy the database beside itself as `<file>.before-<revision>`, durably, and keep the newest three copies.

    The backup interface takes what is still in the write-ahead log too, which a copy of the file would miss.
    """
    target = path.with_name(f"{path.name}.before-{revision}")
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, path.stat().st_mode & 0o777))
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(part)) as copy:
            source.backup(copy)
        _sync(part)
        os.replace(part, target)
        _sync(path.parent)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise MigrationRefused(f"no copy could be made before migrating: {error}") from error
    for old in copies(path)[KEPT:]:
        old.unlink(missing_ok=True)
    return target


def copies(path: Path) -> list[Path]:
    """The copies of this database, newest first."""
    found = [copy for copy in path.parent.glob(f"{path.name}.before-*") if copy.suffix != ".part"]
    return sorted(found, key=lambda copy: (copy.stat().st_mtime_ns, copy.name), reverse=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
