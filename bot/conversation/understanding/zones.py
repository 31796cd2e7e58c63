"""Reads the name of a time zone as people say it: 新疆, 纽约, Asia/Urumqi, "new york"; and finds what a typo meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from zoneinfo import available_timezones

from bot.clock import DEFAULT_ZONE, zone
from bot.conversation.understanding.divisions import padded

URUMQI = "Asia/Urumqi"
_MOST = 3
_ALIKE = 0.72
_AREAS = frozenset(
    [
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    ]
)
_NAMES: Mapping[str, str] = {
    DEFAULT_ZONE: "北京 中国 内地 大陆 东八区 beijing china utc+8 gmt+8 utc+08:00 prc",
    URUMQI: "新疆 乌鲁木齐 东六区 xinjiang utc+6 gmt+6 utc+06:00",
    "Asia/Hong_Kong": "香港 hongkong", "Asia/Macau": "澳门 macao", "Asia/Taipei": "台湾 台北 taiwan",
    "Asia/Tokyo": "日本 东京 大阪 japan osaka", "Asia/Seoul": "韩国 首尔 korea", "Asia/Singapore": "新加坡",
    "Asia/Kuala_Lumpur": "马来西亚 吉隆坡 malaysia", "Asia/Bangkok": "泰国 曼谷 thailand",
    "Asia/Ho_Chi_Minh": "越南 胡志明市 vietnam", "Asia/Manila": "菲律宾 马尼拉 philippines",
    "Asia/Kolkata": "印度 新德里 孟买 india delhi mumbai", "Asia/Dubai": "迪拜 阿联酋", "Asia/Yangon": "缅甸 仰光",
    "Asia/Vientiane": "老挝 万象", "Asia/Phnom_Penh": "柬埔寨 金边", "Asia/Kathmandu": "尼泊尔 加德满都",
    "Asia/Almaty": "阿拉木图", "Asia/Jakarta": "雅加达", "Asia/Riyadh": "沙特 利雅得",
    "Europe/London": "英国 伦敦 uk england britain", "Europe/Paris": "法国 巴黎 france",
    "Europe/Berlin": "德国 柏林 慕尼黑 法兰克福 germany munich frankfurt", "Europe/Rome": "意大利 罗马 米兰 italy milan",
    "Europe/Madrid": "西班牙 马德里", "Europe/Amsterdam": "荷兰 阿姆斯特丹", "Europe/Zurich": "瑞士 苏黎世",
    "Europe/Moscow": "莫斯科", "Asia/Vladivostok": "海参崴 符拉迪沃斯托克", "Europe/Istanbul": "土耳其 伊斯坦布尔",
    "America/New_York": "纽约 华盛顿 波士顿 美东 美国东部 washington boston", "America/Chicago": "芝加哥 休斯顿 美国中部 houston",
    "America/Denver": "丹佛 美国山区", "America/Los_Angeles": "洛杉矶 旧金山 西雅图 美西 美国西部 san francisco/seattle",
    "America/Toronto": "多伦多", "America/Vancouver": "温哥华", "America/Sao_Paulo": "圣保罗",
    "Pacific/Honolulu": "夏威夷 檀香山 hawaii", "Pacific/Guam": "关岛", "Pacific/Auckland": "新西兰 奥克兰",
    "Australia/Sydney": "悉尼", "Australia/Melbourne": "墨尔本", "Australia/Perth": "珀斯",
    "Africa/Cairo": "埃及 开罗", "Africa/Johannesburg": "南非 约翰内斯堡", "Africa/Lagos": "尼日利亚 拉各斯", "UTC": "utc gmt 格林尼治 世界",
}  # fmt: skip
_WIDE: Mapping[str, tuple[str, ...]] = {
    "美国": ("America/New_York", "America/Chicago", "America/Los_Angeles"),
    "加拿大": ("America/Toronto", "America/Vancouver"),
    "澳大利亚": ("Australia/Sydney", "Australia/Perth"),
    "俄罗斯": ("Europe/Moscow", "Asia/Vladivostok"),
}
_WIDE_ENGLISH = {
    "usa": "美国",
    "us": "美国",
    "america": "美国",
    "canada": "加拿大",
    "australia": "澳大利亚",
    "russia": "俄罗斯",
}


@dataclass(frozen=True, slots=True)
class ZoneSaid:
    """The zone that was named; `name` is empty where it can't be told, and `nearest` are those that may be meant."""

    name: str = ""
    nearest: tuple[str, ...] = ()


def read_zone(said: str, divisions: tuple[str, ...] = ()) -> ZoneSaid:
    """Read a plain text that is nothing but a zone or a place; `divisions` are the places at home that it names."""
    wanted = " ".join(said.replace("_", " ").split())
    wide = _WIDE.get(_WIDE_ENGLISH.get(wanted, wanted))
    if wide is not None:
        return ZoneSaid(nearest=wide)
    found = _named().get(wanted)
    if found is not None:
        return ZoneSaid(found[0]) if len(found) == 1 else ZoneSaid(nearest=found[:_MOST])
    at_home = dict.fromkeys(_of_division(division) for division in divisions)
    if at_home:
        return ZoneSaid(next(iter(at_home))) if len(at_home) == 1 else ZoneSaid(nearest=tuple(at_home))
    close = get_close_matches(wanted, _named(), n=2 * _MOST, cutoff=_ALIKE) if wanted else []
    nearest = dict.fromkeys(name for key in close for name in _named()[key])
    return ZoneSaid(nearest=tuple(nearest)[:_MOST])


def zone_words(name: str, language: str) -> str:
    """A zone's name as people of that language know it: with its city in Chinese where there is a word for it."""
    if language != "zh":
        return name
    city = _NAMES.get(name, name).split()[0]
    return f"{city}时间" if not city.isascii() else name


def _of_division(division: str) -> str:
    place = padded(division)
    beyond = {"81": "Asia/Hong_Kong", "82": "Asia/Macau", "71": "Asia/Taipei", "65": URUMQI}
    return beyond.get(place[:2], DEFAULT_ZONE)


@cache
def _named() -> Mapping[str, tuple[str, ...]]:
    """What a zone may be called, in lower case with blanks: by its own name, its city, and other words for it."""
    named: dict[str, dict[str, None]] = {}
    cities = {name for name in available_timezones() if name.split("/")[0] in _AREAS}
    for name in sorted(cities):
        plain = name.lower().replace("_", " ")
        for key in (plain, plain.rsplit("/", 1)[-1]):
            named.setdefault(key, {})[name] = None
    for name, words in _NAMES.items():
        zone(name)
        named[name.lower().replace("_", " ")] = {name: None}
        for word in words.replace("san francisco/", "san_francisco ").split():
            named[word.replace("_", " ")] = {name: None}
    return {key: tuple(names) for key, names in named.items()}
