"""The stories of daily reports that come by themselves: honest ones, and those of a household."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.channels.names import MINI
from bot.demo_script import Happens, Says, Story
from bot.town import Townsperson, certificate, declaration

_ON_THE_DAY_BEFORE = Happens("", until=(9, 30))  # the declaration counts as the report of its day
_WELL = "36.6 没有症状"
_VARIED = (_WELL, "36.4 没有症状")
_HUSBAND = "老王"
_WENZHOU = "330302"


def family_stories(people: Sequence[Townsperson]) -> tuple[Story, ...]:
    """Somebody who reports honestly, and a couple with a child."""
    li, wang = people[0], people[1]
    home = "湖北健康码 武汉健康码"
    ping = replace(li, name="吴小萍", born="19830226", codes=home)
    fang = replace(wang, name="刘芳", born="19800616", codes="杭州健康码 国康码", stays="没有")
    husband = replace(fang, name="王建国", born="19780912")
    return (_honest(ping), *_household(fang, husband))


def _honest(person: Townsperson) -> Story:
    return Story(
        "honest",
        "没量就说没量，一样算数 / Not measured is an honest answer, and it counts the same",
        "o_demo_mini_ping",
        (
            Happens("第二天早上 08:00，什么也没做，提醒自己来了 / Next morning at 08:00 the reminder comes by itself",
                    full=False, daily=_VARIED, until=(8, 0)),
            "没变化",
            Happens("过了几天，又到 08:00 / Some days later, 08:00 again", full=True, daily=_VARIED, until=(8, 0)),
            "没变化",
            "没量体温，没有症状",
            Happens("后来九天，天天都报 36.5；第十天 08:00 / Nine days on which it was always 36.5; the tenth, 08:00",
                    days=9, daily=("36.5 没有症状",), until=(8, 0)),
            "36.5 没有症状",
            Happens("第二天早上 08:00 / Next morning, 08:00", until=(8, 0)),
            "没量体温，没有症状",
        ),
        before=(_ON_THE_DAY_BEFORE, *declaration(person, 21), _WELL),
        channel=MINI,
    )  # fmt: skip


def _household(wife: Townsperson, husband: Townsperson) -> tuple[Story, ...]:
    child = ("王小宝", "居民身份证", certificate(wife.division, "20140601", 24))
    spouse = (husband.name, "居民身份证", certificate(husband.division, husband.born, 22))
    rest = ("住在一起", "都没有", "提交")

    return (
        _story(
            "一家人：先问本人，再替他打卡 / A household: he is asked before she reports for him",
            "添加老公", *spouse, *rest,
            Happens("老王的手机响了 / His phone rings"),
            Says(_HUSBAND, "绑定"),
            Says(_HUSBAND, "同意"),
            Happens("刘芳也收到了回音 / And she hears of it"),
            "添加孩子", *child, *rest,
            "我的家人",
            before=(
                _ON_THE_DAY_BEFORE,
                *declaration(wife, 23),
                *(Says(_HUSBAND, each) for each in declaration(husband, 22)),
                _WELL,
                Says(_HUSBAND, _WELL),
            ),
        ),
        _story(
            "温州回来二十一天，他一夜变红，家里人不变 / Three weeks back from Wenzhou he turns red overnight, his family stays green",
            Happens("夜里 23:40，铁路报来：六天前他在温州（其实他三周前就回来了）/ 23:40 at night the railway reports him in"
                    " Wenzhou six days ago; he came back three weeks ago", who=_HUSBAND, until=(23, 40), division=_WENZHOU,
                    rail=True, days_ago=6),
            Says(_HUSBAND, "为什么 杭州健康码"),
            "我的家人",
            Happens("十分钟后，铁路更正：日期记错了 / Ten minutes later the railway corrects the date", who=_HUSBAND, minutes=10,
                    division=_WENZHOU, rail=True, days_ago=6, taken_back=True),
            Says(_HUSBAND, "我的码"),
        ),
        *_household_days(),
    )  # fmt: skip


def _household_days() -> tuple[Story, ...]:
    return (
        _story(
            "一句话替全家打卡 / One line for the whole family",
            Happens("早上 08:00 / 08:00 in the morning", until=(8, 0)),
            "全家正常 36.5",
            "保存",
            Happens("第二天早上 08:00 / Next morning, 08:00", until=(8, 0)),
            "我和老公正常，孩子 37.8 咳嗽",
            "1 36.4",
            "保存",
        ),
        _story(
            "一整天没有人打卡，社区会来问一声 / A day without a report: the community asks how they are",
            Happens("又一天，08:00 / Another day, 08:00", until=(8, 0)),
            Happens("谁也没打卡；18:00 / Nobody reports; 18:00", until=(18, 0)),
            Happens("第二天 08:00 / Next morning, 08:00", until=(8, 0)),
            Happens("09:00，社区的随访名单 / 09:00, the list of the community", until=(9, 0), follow_ups=True),
            "全家正常，没量体温",
            "保存",
            Happens("报过以后，社区的随访名单 / The list after the report", minutes=60, follow_ups=True),
        ),
    )  # fmt: skip


def _story(title: str, *lines: str | Says | Happens, before: tuple[str | Says | Happens, ...] = ()) -> Story:
    return Story(
        "family", title, "o_demo_mini_fang", lines,
        before=before, channel=MINI, me="刘芳", others=((_HUSBAND, "o_demo_mini_wang"),),
    )  # fmt: skip
