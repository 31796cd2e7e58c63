"""Random ids and receipt numbers: nothing can be learned or guessed from one."""

from __future__ import annotations

import secrets
from datetime import date, datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MODULUS = 97
_last_row_id = 0


def new_id() -> int:
    """A random positive 62-bit id."""
    return secrets.randbits(62) | 1


def row_id(at: datetime) -> int:
    """An id for a row that is written often: milliseconds first, then 20 random bits, and never the same twice
    in one process (between processes the resident is part of the key).

    Such rows go to the end of their index. Random ids would dirty another page of it for every row, and each
    is written to the log of a commit.
    """
    global _last_row_id
    fresh = int(at.timestamp() * 1000) << 20 | secrets.randbits(20)
    _last_row_id = max(fresh, _last_row_id + 1)
    return _last_row_id


def row_ids(at: datetime, count: int) -> int:
    """The first of so many such ids, which follow each other and are all the caller's."""
    global _last_row_id
    first = row_id(at)
    _last_row_id = first + count - 1
    return first


def receipt(prefix: str, day: date) -> str:
    """A receipt number such as `P200220-7K3Q9XAB-47`: prefix, day, eight random characters, two check digits.

    The check is the value modulo 97, which catches every single wrong character and every swap of two.
    """
    value = secrets.randbits(40)
    body = "".join(_ALPHABET[(value >> shift) & 31] for shift in range(35, -1, -5))
    return f"{prefix}{day:%y%m%d}-{body}-{value % _MODULUS:02d}"


def is_receipt(text: str) -> bool:
    """Whether the text has the form of a receipt number and its check digits are right."""
    parts = text.strip().upper().split("-")
    if len(parts) != 3 or len(parts[1]) != 8 or any(character not in _ALPHABET for character in parts[1]):
        return False
    value = 0
    for character in parts[1]:
        value = value << 5 | _ALPHABET.index(character)
    return parts[2] == f"{value % _MODULUS:02d}"
