"""Brings what people type into one form: half-width, lower case, simplified, no stray length."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 1000
_TRADITIONAL = dict(
    zip(
        "體溫沒狀發燒無熱頭乾瀉噁嘔嚨碼報為麼變紅黃綠訴複綁誰刪數據隱語幫單說個從廣東漢媽爺兒孫異適點經過後來這"
        "樣還們時間對請錯確認關閉員態檢測號區縣鄉鎮灣澤陽長門龍雲貴寧陝蘇吳滬閩遼黨腸勞氣難鼻週兩夠進劑禮",
        "体温没状发烧无热头干泻恶呕咙码报为么变红黄绿诉复绑谁删数据隐语帮单说个从广东汉妈爷儿孙异适点经过后来这"
        "样还们时间对请错确认关闭员态检测号区县乡镇湾泽阳长门龙云贵宁陕苏吴沪闽辽党肠劳气难鼻周两够进剂礼",
        strict=True,
    )
)
_TO_SIMPLIFIED = str.maketrans(_TRADITIONAL)
_HAS_TRADITIONAL = re.compile(f"[{''.join(_TRADITIONAL)}]")


def plain(text: str) -> str:
    """The form that all readers of this package expect; what is longer than any message is cut."""
    text = text[:LONGEST]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)[:LONGEST]
        if _HAS_TRADITIONAL.search(text):
            text = text.translate(_TO_SIMPLIFIED)
    return text.lower().strip()
