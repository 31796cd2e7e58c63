"""What both databases raise for a row that they don't take, so that whoever writes many can leave that one out."""

from __future__ import annotations

import sqlite3

import asyncpg

REFUSED_ROW = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
)
