"""Where keys come from: production demands them, development makes them once."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot.errors import Misconfigured
from bot.store.key_file import FILE_NAME, load_keys
from bot.store.sealing import KeyRing

ROOT = Path(__file__).parents[2]
DATA, INDEX = KeyRing.generate(), KeyRing.generate()


def test_production_uses_the_keys_of_the_settings_and_writes_no_file(tmp_path: Path) -> None:
    keys = load_keys(DATA, INDEX, state_folder=tmp_path, production=True)
    assert keys.open("t.c", KeyRing(DATA, INDEX).seal("t.c", "x")) == "x"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "index", "variable"),
    [(None, INDEX, "YIMA_DATA_KEYS"), ("", INDEX, "YIMA_DATA_KEYS"), (DATA, None, "YIMA_INDEX_KEYS")],
    ids=["no data key", "empty data key", "no index key"],
)
def test_production_without_a_key_names_the_variable(
    tmp_path: Path, data: str | None, index: str | None, variable: str
) -> None:
    with pytest.raises(Misconfigured, match=variable) as caught:
        load_keys(data, index, state_folder=tmp_path, production=True)
    assert DATA not in str(caught.value)
    assert INDEX not in str(caught.value)


def test_development_makes_keys_once_readable_by_the_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    first = load_keys(None, None, state_folder=folder, production=False)
    second = load_keys("", "", state_folder=folder, production=False)
    assert second.open("t.c", first.seal("t.c", "x")) == "x"
    assert first.index("a", "b") == second.index("a", "b")
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600


def test_development_takes_a_key_of_the_settings_before_the_made_one(tmp_path: Path) -> None:
    mixed = load_keys(DATA, None, state_folder=tmp_path, production=False)
    made = load_keys(None, None, state_folder=tmp_path, production=False)
    assert mixed.data_key_id == DATA.split(":")[0]
    assert mixed.index_key_id == made.index_key_id
    assert made.data_key_id != mixed.data_key_id


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"data": 1, "index": 2}', '{"data": "a:b"'])
def test_a_damaged_key_file_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(Misconfigured, match=r"keys\.json .* is damaged"):
        load_keys(None, None, state_folder=tmp_path, production=False)
    assert (tmp_path / FILE_NAME).read_text() == content


def test_processes_that_start_at_once_use_the_same_keys(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from bot.store.key_file import load_keys;"
        "print(load_keys(None, None, state_folder=Path(sys.argv[1]), production=False))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for _ in range(4)
    ]
    said = {process.communicate()[0] for process in started}
    assert [process.returncode for process in started] == [0, 0, 0, 0]
    assert len(said) == 1
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
