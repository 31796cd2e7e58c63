"""Reads that nothing has changed since an earlier report; a change that is denied is not one that happened."""

from __future__ import annotations

import re

_NO_CHANGE = re.compile(
    r"(?:没有?|无|没啥|没什么|未)(?:任何|什么|啥|有)*(?:变化|变动|改变)(?!吗)|(?:和|跟|同|与|如)(?:昨[天日]|前[一几]?天|上次|之前|以前|往常|平时|平常|平日)(?:的|都|也|是|体温|情况|状况)*(?:一样|相同|一致|差不多)?(?=$|[\s,，。;；!！的了])"
    r"|(?:昨[天日]|前[一几]?天|上次|之前|往常)(?:都|也)?(?:一样|相同)|老样子|照旧|情况不变|状况不变|依旧|一切照常|一如既往"
    r"|\bno changes?\b|\bnothing (?:has )?changed\b|\bunchanged\b|\b(?:the )?same as (?:yesterday|before|last time|usual)\b|\bas usual\b"
)
_CHANGED = re.compile(r"(?:不一样|不同|有变化|not the same)")


def find_no_change(text: str) -> re.Match[str] | None:
    """Where a plain text says that nothing has changed; None where it doesn't, or says the contrary too."""
    return None if _CHANGED.search(text) else _NO_CHANGE.search(text)
