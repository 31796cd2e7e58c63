"""The settings that operators write as YAML files."""

from __future__ import annotations

from pathlib import Path

from bot.core.yaml_lines import Entry, Problems, read_yaml


def read_yaml_file(file: Path, problems: Problems) -> Entry | None:
    """What stands in that file. None if nothing can be read there, and then `problems` says why."""
    try:
        document = read_yaml(file.read_text(encoding="utf-8"), problems)
    except OSError as error:
        problems.add(1, error.strerror or "can't be read")
    except UnicodeDecodeError:
        problems.add(1, "not UTF-8")
    else:
        if document is None and not problems:
            problems.add(1, "the file is empty")
        return document
    return None
