"""What the demo tells: six codes, what is asked first, and notices; households have a module of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from bot.channels.names import MINI
from bot.demo_family import family_stories
from bot.demo_script import Happens, Story
from bot.town import Townsperson, declaration, townspeople


def stories(today: date) -> tuple[Story, ...]:
    """The stories that this version can tell. Those of one name are told together."""
    people = townspeople(today)
    return (
        *_six_codes(people[0]),
        *_asked_first(people[-1]),
        *_notices(people[0]),
        *family_stories(people),
    )


def _six_codes(person: Townsperson) -> tuple[Story, ...]:
    return (
        Story(
            "first",
            "第一次：同意、申报 / First contact: consent and declaration",
            "o_demo_li",
            tuple(declaration(person, 1)),
        ),
        Story(
            "six-codes",
            "六个码，一句话 / Six codes, one message",
            "o_demo_li",
            (
                "体温36度8 没有症状",
                "我的码",
                "去广州上班用哪个码",
                "为什么",
                "37.9 咳嗽",
                "为什么 粤康码",
                "36.6 刚才量错了，没有不舒服",
            ),
            after="first",
        ),
    )


def _asked_first(person: Townsperson) -> tuple[Story, ...]:
    """Two of Jiujiang whose phones were seen across the border: what was declared before covers one of the days."""
    neighbour = replace(person, name="何平", born="19920408", home="九江市濂溪区", division="360402")
    tower = "通信运营商报来：{}，手机在黄冈市黄梅县 / The phone company reports: {}, a phone in Huanggang"
    return (
        Story(
            "asked-first",
            "先问一声，早先的申报能证明 / Asked first, and what was declared before settles it",
            "o_demo_zhou",
            (
                Happens(tower.format("前天", "two days ago"), division="421127", days_ago=2),
                "我的码",
                "为什么",
                "没去过",
                "我的码",
            ),
            before=(*declaration(person, 5), "36.5 没有症状"),
        ),
        Story(
            "asked-first",
            "先问一声，只有一句“没去过” / Asked first, with nothing but a “no”",
            "o_demo_he",
            (
                Happens("过了两天 / Two days later", days=2),
                "36.5 没有症状",
                Happens(tower.format("昨天", "yesterday"), division="421127", days_ago=1),
                "回答",
                "没去过",
                "为什么 杭州健康码",
                Happens(
                    "运营商更正了这条记录 / The phone company takes the record back",
                    division="421127", days_ago=1, taken_back=True,
                ),
                "我的码",
            ),
            before=(*declaration(neighbour, 6), "36.5 没有症状"),
        ),
    )  # fmt: skip


def _notices(person: Townsperson) -> tuple[Story, ...]:
    """Two on the mini-program, whom nobody else knows: one agreed to be reminded, the other never did."""
    mei = replace(person, name="李小梅", born="19910519", codes="湖北健康码 武汉健康码")
    ping = replace(mei, name="吴萍", born="19830226")
    fever = "医院报来：{}发热 / A hospital reports: a fever, {}"
    return (
        Story(
            "notices",
            "提醒自己会来 / Notices that arrive",
            "o_demo_mini_li",
            (
                Happens("小程序里弹出“变色提醒”，点了两次“允许” / In WeChat's own dialog she agrees to two reminders", agrees=2),
                Happens("两天多没说话；夜里 23:40 / More than two days without a word; 23:40 at night", days=2, until=(23, 40)),
                Happens(fever.format("今晚", "tonight"), fever=True),
                "为什么",
                "提醒还剩几次",
                Happens("过了零点，医院更正：量的是别人 / After midnight the hospital takes it back: it was somebody else",
                        minutes=30, fever=True, days_ago=1, taken_back=True),
                Happens("又过十分钟：好消息不半夜吵人 / Ten minutes on: good news wakes nobody", minutes=10),
                Happens("早上 07:00 / Seven in the morning", until=(7, 0)),
            ),
            before=(*declaration(mei, 7), "不要提醒"),
            channel=MINI,
        ),
        Story(
            "notices",
            "平台坏了十分钟，一条不丢 / The platform is down for ten minutes, and nothing is lost",
            "o_demo_mini_li",
            (
                Happens("上午 10:00，微信的接口坏了 / 10:00, WeChat's API is down", until=(10, 0), platform="down"),
                Happens(fever.format("今天", "today"), fever=True),
                Happens("十分钟后，接口好了 / Ten minutes later it is back", minutes=10, platform="up"),
                Happens("又过一刻钟 / A quarter of an hour more", minutes=15),
            ),
            channel=MINI,
        ),
        Story(
            "notices",
            "没点过“允许”，下次说话时补上 / Nobody agreed: told with the next answer, and why",
            "o_demo_mini_wu",
            (
                Happens("两天多没说话；上午 10:00 / More than two days without a word; 10:00", days=2, until=(10, 0)),
                Happens(fever.format("今天", "today"), fever=True),
                "为什么没收到提醒",
            ),
            before=(*declaration(ping, 8), "不要提醒"),
            channel=MINI,
        ),
    )  # fmt: skip
