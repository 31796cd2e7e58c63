"""Templates that a platform would refuse, or that say less than they should, stop the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import TextsError
from bot.notices.templates import NoticeTemplates, cut

LANGUAGES = ("zh", "en")
FINE = """
colour_changed:
  page: pages/codes/index
  fields:
    thing1: {zh: "{{ scheme | cut }}", en: "{{ scheme | cut(10) }}"}
"""


def load(folder: Path, text: str) -> NoticeTemplates:
    (folder / "wechat_mini.yaml").write_text(text, encoding="utf-8")
    return NoticeTemplates.load(folder, LANGUAGES)


def test_template_is_filled_in_the_language_of_the_account(tmp_path: Path) -> None:
    template = load(tmp_path, FINE).get("wechat_mini", "colour_changed")
    assert template is not None
    assert template.fill("zh", {"scheme": "杭州健康码"}) == {"thing1": "杭州健康码"}
    assert template.fill("en", {"scheme": "Hangzhou health code"}) == {"thing1": "Hangzhou…"}
    assert template.fill("fr", {"scheme": "杭州健康码"}) == {"thing1": "杭州健康码"}
    assert template.page == "pages/codes/index"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("colour_changed: [", "not YAML"),
        ("no_such_kind: {page: '', fields: {}}", "no kind of notice"),
        ("colour_changed: {page: ''}", "needs `page` and `fields`"),
        ("colour_changed: {page: '', fields: {}}", "needs `page` and `fields`"),
        ("colour_changed: {page: '', fields: {thing1: {zh: 好}}}", "thing1 needs a text for each of zh, en"),
        ("colour_changed: {page: '', fields: {thing1: {zh: '{{', en: x}}}", "thing1: zh"),
        ("colour_changed: {page: '', more: 1, fields: {thing1: {zh: x, en: x}}}", "nothing else"),
    ],
)
def test_wrong_file_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(TextsError) as caught:
        load(tmp_path, text)
    assert "notices/wechat_mini.yaml" in str(caught.value)
    assert told in str(caught.value)


def test_field_that_the_platform_would_refuse_stops_the_start(tmp_path: Path) -> None:
    templates = load(tmp_path, FINE.replace("{{ scheme | cut }}", "{{ scheme }}"))
    long, short = {"scheme": "一" * 21}, {"scheme": "一"}
    templates.check({"colour_changed": {"zh": [short], "en": [short]}})
    with pytest.raises(TextsError, match=r"colour_changed\.thing1: zh: .* breaks the rule of thing"):
        templates.check({"colour_changed": {"zh": [short, long], "en": [short]}})


def test_text_about_something_that_no_notice_knows_stops_the_start(tmp_path: Path) -> None:
    templates = load(tmp_path, FINE.replace("{{ scheme | cut }}", "{{ reason }}"))
    with pytest.raises(TextsError, match="'reason' is undefined"):
        templates.check({"colour_changed": {"zh": [{"scheme": "x"}]}})


def test_cut_text_is_as_long_as_it_may_be() -> None:
    assert cut("一" * 20) == "一" * 20
    assert cut("一" * 21) == "一" * 19 + "…"
