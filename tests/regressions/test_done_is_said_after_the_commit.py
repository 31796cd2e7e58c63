"""Elsewhere "submitted" was shown before anything was stored, receipts could not be found afterwards, and while the
back end was down people were told nothing and their answers were gone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.service import CODES, LI, Service, running


def break_disk(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on nothing can be written."""

    async def full(*_arguments: Any) -> Any:
        raise OSError("no space left on device")

    for way in ("write", "transaction"):
        monkeypatch.setattr(service.database, way, full)


async def test_failed_commit_is_told_keeps_the_answers_and_gives_no_receipt(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = (LI["name"], LI["certificate"], LI["phone"], "武汉市武昌区", "和平路1号3栋2单元501")
    async with running(database_url) as service:
        await service.talk("o_li", "你好", "同意", "申报", *known, *("没有",) * 6, CODES)
        break_disk(service, monkeypatch)
        failed = await service.say("o_li", "提交", msg_id="9")
        assert "还没有保存" in failed
        assert "回执" not in failed
        monkeypatch.undo()
        assert await service.rows("SELECT 1 FROM declarations") == []
        # the same message may come again, and now it is done
        done = await service.say("o_li", "提交", msg_id="9")
        receipt = re.findall(r"回执号 (\S+)", done)
        assert [row[0] for row in await service.rows("SELECT receipt FROM declarations")] == receipt
        punched = await service.say("o_li", "36.5")
        receipt = re.findall(r"回执 (\S+)", punched)
        assert [row[0] for row in await service.rows("SELECT receipt FROM punch_ins")] == receipt
