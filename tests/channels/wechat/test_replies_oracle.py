"""Texts that are written by hand are what wechatpy renders."""

from __future__ import annotations

from datetime import UTC, datetime

import xmltodict
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.replies import TextReply

from bot.channels.wechat.envelope import cdata
from bot.channels.wechat.replies import fit, render
from bot.message import Reply

AT = datetime(2020, 2, 20, 1, 0, tzinfo=UTC)


@given(st.text(min_size=1, max_size=300).filter(lambda text: cdata(text).strip() != ""))
def test_text_reply_reads_as_the_one_of_wechatpy(text: str) -> None:
    ours, _ = render(Reply.of(text), account="o_li", ours="gh_1", at=AT)
    safe, _ = fit(cdata(text).replace("]]]]><![CDATA[>", "]]>"))
    theirs = TextReply(content=cdata(safe), source="gh_1", target="o_li", time=int(AT.timestamp())).render()
    assert xmltodict.parse(ours) == xmltodict.parse(theirs)
