"""The development register: what it says to which names."""

from __future__ import annotations

import pytest

from bot.services.real_name import Claim, Verdict
from bot.services.real_name_fake import FakeRealNameService


@pytest.mark.parametrize(
    ("name", "kind", "number", "verdict"),
    [
        ("李小梅", "id_card", "420106199003074527", Verdict.MATCH),
        ("Li Na", "passport", "E12345678", Verdict.MATCH),
        ("王不符", "id_card", "420106199003074527", Verdict.MISMATCH),
        ("王不通", "id_card", "420106199003074527", Verdict.UNAVAILABLE),
        ("李小梅", "library_card", "1", Verdict.MISMATCH),
        ("李小梅", "id_card", "", Verdict.MISMATCH),
        (" ", "id_card", "420106199003074527", Verdict.MISMATCH),
    ],
)
async def test_verdict_follows_the_name_and_the_form(
    name: str, kind: str, number: str, verdict: Verdict
) -> None:
    assert await FakeRealNameService().verify(Claim(kind, number, name, "")) == verdict
