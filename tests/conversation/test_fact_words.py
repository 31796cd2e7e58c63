"""One fact in words, in every language."""

from __future__ import annotations

import pytest

from bot.conversation.fact_words import fact_words
from bot.core.facts import KINDS, FactKind
from bot.core.model import Detail
from tests.conversation.world import texts
from tests.handlers.chat.stage import TODAY, Stage, fact, resident

_EXAMPLES: dict[str, dict[str, Detail]] = {
    FactKind.JOURNEY: {"mode": "train", "number": "G1234"},
    FactKind.CONTACT: {"degree": 1},
    FactKind.SHARED_BUILDING: {"scope": "unit"},
    FactKind.SYMPTOM: {"code": "fever", "temperature_tenths": 385},
    FactKind.TEST: {"result": "negative"},
    FactKind.DIAGNOSIS: {"status": "suspected"},
    FactKind.MEASURE: {"measure": "home"},
    FactKind.MEASURE_LIFTED: {"reason": "completed"},
    FactKind.OTHER_PLACE_COLOUR: {"colour": "red"},
    FactKind.CARE: {"what": "fever_clinic"},
    FactKind.ANSWER: {"about": 1, "answer": "no"},
    FactKind.OVERRIDE: {"colour": "green", "reason_code": "r", "issuer": "街道办", "second_person": "x"},
}


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_kind_of_fact_has_words_in_every_language(kind: str, language: str) -> None:
    one = fact(kind, TODAY, source="worker", division="420102", **_EXAMPLES.get(kind, {}))
    said = fact_words(Stage(resident(), language=language).hear("为什么"), one)
    assert "武汉市江岸区" in said
    assert ("依据" if language == "zh" else "Based on") in said


def test_every_word_of_every_detail_has_a_text() -> None:
    missing = [
        f"{name}_{choice}"
        for kind in KINDS.values()
        for name, field in kind.fields.items()
        for choice in field.choices
        if name in {"scope", "result", "status", "measure", "reason", "answer", "mode", "what"}
        and not texts().has(f"why.{name}_{choice}")
    ]
    assert missing == []


async def test_fact_of_an_unknown_source_is_shown_with_its_name() -> None:
    one = fact("stay", TODAY, source="harbour", division="4201")
    assert "（来自harbour）" in fact_words(Stage(resident()).hear("为什么"), one)
