"""Where the keys come from: the settings, or in development a file of its own that is made once."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import orjson

from bot.errors import Misconfigured
from bot.store.sealing import DATA_VARIABLE, INDEX_VARIABLE, KeyRing

FILE_NAME = "keys.json"


def load_keys(data: str | None, index: str | None, *, state_folder: Path, production: bool) -> KeyRing:
    """The key ring of these settings; development generates what is not set into `keys.json` of the folder.

    Production never generates: Misconfigured names the variable that is missing.
    """
    if production:
        for value, variable in ((data, DATA_VARIABLE), (index, INDEX_VARIABLE)):
            if not value:
                raise Misconfigured(f"{variable} is not set; production demands it")
    if data and index:
        return KeyRing(data, index)
    made = _read_or_make(state_folder / FILE_NAME)
    return KeyRing(data or made["data"], index or made["index"])


def _read_or_make(path: Path) -> dict[str, str]:
    if not path.exists():
        _make(path)
    try:
        made = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        made = None
    if not isinstance(made, dict) or not all(isinstance(made.get(name), str) for name in ("data", "index")):
        raise Misconfigured(f"{path.name} of the state folder is damaged; restore it, or set {DATA_VARIABLE}")
    return made


def _make(path: Path) -> None:
    """Write the file whole or not at all; of two processes at once, both use the first one's keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps({"data": KeyRing.generate(), "index": KeyRing.generate()}))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)
        except FileExistsError:
            return
    finally:
        part.unlink(missing_ok=True)
