"""Who reports for whom: one's members, one's guardians, and the answer to somebody who asks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.clock import resident_day
from bot.conversation.context import Context
from bot.conversation.forms import open_question
from bot.conversation.routing import PASS, Answer
from bot.conversation.understanding.members import read_members
from bot.conversation.understanding.wishes import wish
from bot.conversation.words import DOTS, day_words, scheme_words
from bot.message import Choice, Choices, Incoming, Reply
from bot.services import binding_answers, bonds
from bot.services.binding_answers import Answered
from bot.services.guardians import ACTIVE, Guardian, Member, guardians_of, members_of, open_bonds
from handlers.chat.household_form import begin_adding

_POLITE = r"(?:请|麻烦|我?[要想]|帮我|我想要?|please )*"
_PICKED = re.compile(r"bond:(?P<act>agree|refuse|release|drop|keep):(?P<id>[0-9]{1,19})")
_ASKED = re.compile(
    r"绑定|同意(?:绑定)?|拒绝(?:绑定)?|谁(?:想|要)(?:绑定我?|替我打卡)|(?:agree|refuse|decline)(?: binding)?",
    re.I,
)
_WHO = re.compile(
    r"(?:看看|查看|查一?下|查)?(?:是)?(?:谁|哪些人|有谁|什么人)(?:可以|能|在|正在|会)?(?:绑定|绑|替|帮|给|代)(?:了|着|过)?我(?:了|的)?(?:打卡|报|上报)?(?:呢|啊)?"
    r"|我(?:被谁|的监护人|的代报人)(?:绑定|绑)?(?:了|是谁)?"
    r"|who (?:has |have |can |is |are )?(?:bound|linked|added|reports?|reporting|punch(?:es|ing)? in) (?:for )?me",
    re.IGNORECASE,
)
_RELEASE = re.compile(
    rf"{_POLITE}(?:解除|解绑|取消绑定|release|unlink)(?:绑定|关系)?\s*(?:第\s*)?(?P<number>[0-9]{{1,2}})?\s*(?:个|位|号)?",
    re.I,
)
_REMOVE = re.compile(
    rf"{_POLITE}(?:(?:移除|删除|删掉|去掉|移出|不再替|不替|解绑|解除绑定|remove |unbind |unlink )\s*(?:家人|家属|成员|家庭成员|member|family member)?)"
    r"\s*(?:第\s*)?(?P<who>[0-9]{1,2}|[^\W\d_][^\W\d_ ]{0,11}?)?\s*(?:个|位|号|打卡)?",
    re.IGNORECASE,
)
_FAMILY = re.compile(
    r"(?:看看|查看|看|查)?(?:一?下)?(?:我的|我们?家的?)?(?:家人|家庭|家属|家庭成员|成员)(?:列表|名单|管理)?"
    r"|(?:my )?(?:family|household|members)",
    re.IGNORECASE,
)
_ADD = re.compile(
    rf"{_POLITE}(?:(?:添加|增加|新增|加上?|登记|绑定|add |bind |link )\s*(?:一?[个位下名]|新的?|我的|my |an? )*\s*"
    r"(?P<whom>家人|家属|家庭成员|成员|family member|member|family|[^\W\d_][^\W\d_ ]{0,11}))",
    re.IGNORECASE,
)
_FOR = re.compile(
    r"(?:我?[要想]|能不能|可以|怎么)?(?:帮|替|给|代)(?P<whom>我?[^\W\d_]{1,6}?)(?:打卡|健康打卡|报平安|报体温|上报|报健康|每天打卡)(?:吗|呢)?",
)
_ANYBODY = frozenset(
    {"家人", "家属", "家庭成员", "成员", "family member", "member", "family", "我家人", "我的家人"}
)
_NOT_A_MEMBER = re.compile(r"码$|账号|帐号|手机|code|account|提醒", re.IGNORECASE)


# -- what was said -------------------------------------------------------------------------------------------


def _matches(ctx: Context, pattern: re.Pattern[str]) -> bool:
    return pattern.fullmatch(wish(ctx.text)) is not None


def picks_bond(message: Incoming, ctx: Context) -> bool:
    """The message picks what to do with one guardianship."""
    return _matches(ctx, _PICKED)


def asks_who_asked(message: Incoming, ctx: Context) -> bool:
    """ "绑定", "同意": whoever was told that somebody wants to report for them."""
    return ctx.resident is not None and not ctx.talk.form and _matches(ctx, _ASKED)


def asks_guardians(message: Incoming, ctx: Context) -> bool:
    """ "谁绑定了我", "who linked me"."""
    return _matches(ctx, _WHO)


def releases(message: Incoming, ctx: Context) -> bool:
    """ "解除 1", "解绑"."""
    return _matches(ctx, _RELEASE)


def removes_member(message: Incoming, ctx: Context) -> bool:
    """ "移除家人 2", "移除妈妈"; a code is let go elsewhere."""
    return _matches(ctx, _REMOVE) and _NOT_A_MEMBER.search(ctx.text) is None


def asks_family(message: Incoming, ctx: Context) -> bool:
    """ "我的家人", "family"."""
    return _matches(ctx, _FAMILY)


def adds_member(message: Incoming, ctx: Context) -> bool:
    """ "添加家人", "绑定妈妈", "帮我妈打卡"; a code is added elsewhere."""
    found = _matches(ctx, _ADD) or _matches(ctx, _FOR)
    return found and _NOT_A_MEMBER.search(ctx.text) is None and _whom(ctx) is not None


def _whom(ctx: Context) -> str | None:
    """Who is meant: empty for anybody, None for nobody of a family."""
    found = _ADD.fullmatch(wish(ctx.text)) or _FOR.fullmatch(wish(ctx.text))
    if found is None:
        return None
    whom = found["whom"].strip()
    if whom.casefold() in _ANYBODY:
        return ""
    known = read_members(whom.lower())
    return known[0] if len(known) == 1 else None


# -- members -------------------------------------------------------------------------------------------------


async def add_member(message: Incoming, ctx: Context) -> Answer:
    """Begin the form; for a member who is there already it is a report."""
    whom = _whom(ctx) or ""
    if whom and ctx.resident is not None and _FOR.fullmatch(wish(ctx.text)):
        members = await members_of(ctx.database, ctx.world.keys, ctx.resident.resident_id)
        if any(each.label == whom and each.state == ACTIVE for each in members):
            return PASS
    return await begin_adding(ctx, whom)


async def show_family(message: Incoming, ctx: Context) -> Reply:
    """Every member with state and colours, under the numbers that reports use."""
    _set_aside(ctx)
    add = Choice(ctx.say("household.add"), "添加家人")
    members = await _members(ctx)
    if not members:
        return Reply.of(Choices((add,), ctx.say("household.nobody")))
    lines = [_member_line(ctx, number, each) for number, each in enumerate(members, start=2)]
    for each in members:
        if each.state == ACTIVE:
            bonds.log(ctx.work, each.resident_id, ctx.account.id, "member_viewed")
    who = Choice(ctx.say("household.who"), "谁绑定了我")
    return Reply.of(Choices((add, who), ctx.say("household.members", lines=lines)))


async def _members(ctx: Context) -> list[Member]:
    """Those who count first, in the order of reports; then those who are asked."""
    if ctx.resident is None:
        return []
    found = await members_of(ctx.database, ctx.world.keys, ctx.resident.resident_id)
    return sorted(found, key=lambda each: each.state != ACTIVE)


def _member_line(ctx: Context, number: int, member: Member) -> str:
    if member.state != ACTIVE:
        return ctx.say("household.line_asked", number=number, label=member.label)
    resident = next((each for each in ctx.residents if each.resident_id == member.resident_id), None)
    codes = resident.codes.values() if resident else ()
    colours = [f"{DOTS[code.colour]}{scheme_words(ctx, code.scheme)}" for code in codes]
    return ctx.say("household.line_member", number=number, label=member.label, colours=colours)


async def remove_member(message: Incoming, ctx: Context) -> Answer:
    """Ask once more before a member is no longer reported for."""
    found = _REMOVE.fullmatch(wish(ctx.text))
    who = found["who"] if found is not None else None
    members = await _members(ctx)
    member = _named(members, who) if who else members[0] if len(members) == 1 else None
    if member is None and who and not who.isdigit() and not read_members(who):
        return PASS
    _set_aside(ctx)
    if member is None:
        lines = [_member_line(ctx, number, each) for number, each in enumerate(members, start=2)]
        return ctx.reply("household.no_such_member" if members else "household.nobody", lines=lines)
    choices = (
        Choice(ctx.say("household.remove_yes", label=member.label), f"bond:drop:{member.guardianship_id}"),
        Choice(ctx.say("household.remove_no"), f"bond:keep:{member.guardianship_id}"),
    )
    return Reply.of(Choices(choices, ctx.say("household.remove_sure", label=member.label)))


def _named(members: Sequence[Member], who: str) -> Member | None:
    """By the number of the list, where oneself is 1, or by the label; 我妈 is 妈妈."""
    if who.isdigit():
        place = int(who) - 2
        return members[place] if 0 <= place < len(members) else None
    names = {who.casefold(), *read_members(who.lower())}
    found = [each for each in members if each.label.casefold() in names]
    return found[0] if len(found) == 1 else None


# -- guardians -----------------------------------------------------------------------------------------------


async def show_who_asks(message: Incoming, ctx: Context) -> Answer:
    """Who asks, as far as it may be shown, and the two answers; with nobody asking the words mean something else."""
    waiting = open_bonds(await _guardians(ctx), ctx.now)
    if not waiting:
        return PASS
    _set_aside(ctx)
    one = len(waiting) == 1
    parts = []
    for each in waiting:
        mark = "" if one else f"：{_who(ctx, each)}"
        choices = (
            Choice(ctx.say("household.agree") + mark, f"bond:agree:{each.guardianship_id}"),
            Choice(ctx.say("household.refuse") + mark, f"bond:refuse:{each.guardianship_id}"),
        )
        parts.append(
            Choices(choices, ctx.say("household.who_asks", who=_who(ctx, each), day=_day(ctx, each)))
        )
    return Reply.of(*parts)


async def show_guardians(message: Incoming, ctx: Context) -> Reply:
    """Who may report for me, each with one step to end it."""
    _set_aside(ctx)
    guardians = await _guardians(ctx)
    if not guardians:
        return ctx.reply("household.no_guardians")
    choices = tuple(
        Choice(
            ctx.say(f"household.release_{each.state}", who=_who(ctx, each), day=_day(ctx, each)),
            f"bond:release:{each.guardianship_id}",
        )
        for each in guardians
    )
    return Reply.of(Choices(choices, ctx.say("household.guardians")))


async def release_guardian(message: Incoming, ctx: Context) -> Answer:
    """End it at once where it is clear who is meant."""
    guardians = await _guardians(ctx)
    found = _RELEASE.fullmatch(wish(ctx.text))
    number = int(found["number"]) if found is not None and found["number"] else None
    if not guardians:
        _set_aside(ctx)
        return ctx.reply("household.no_guardians")
    if number is None and len(guardians) == 1:
        number = 1
    if number is None or not 1 <= number <= len(guardians):
        reply = await show_guardians(message, ctx)
        return reply if number is None else ctx.reply("household.no_such_guardian").then(*reply.parts)
    return await _act(ctx, "release", guardians[number - 1].guardianship_id)


async def _guardians(ctx: Context) -> list[Guardian]:
    """Who reports for the writer or asks to; whoever only waits for a worker isn't the writer's to answer."""
    if ctx.resident is None:
        return []
    found = await guardians_of(ctx.database, ctx.world.keys, ctx.resident.resident_id)
    open_ids = {each.guardianship_id for each in open_bonds(found, ctx.now)}
    return [each for each in found if each.state == ACTIVE or each.guardianship_id in open_ids]


def _who(ctx: Context, guardian: Guardian) -> str:
    return ctx.say("household.guardian", who=guardian.who, tail=guardian.tail)


def _day(ctx: Context, guardian: Guardian) -> str:
    return day_words(ctx, resident_day(guardian.since, ctx.zone))


# -- acting --------------------------------------------------------------------------------------------------


async def take_pick(message: Incoming, ctx: Context) -> Answer:
    """Do what was picked."""
    found = _PICKED.fullmatch(wish(ctx.text))
    assert found is not None
    return await _act(ctx, found["act"], int(found["id"]))


async def _act(ctx: Context, act: str, bond_id: int) -> Reply:
    _set_aside(ctx)
    resident = ctx.resident
    if resident is None:
        return ctx.reply("household.gone")
    if act == "keep":
        return ctx.reply("household.kept")
    world, work, database = ctx.world, ctx.work, ctx.database
    if act in ("agree", "refuse"):
        done = await binding_answers.answer(
            world,
            work,
            database,
            member=resident,
            account=ctx.account,
            bond_id=bond_id,
            agrees=act == "agree",
        )
        return ctx.reply(_ANSWERS[done])
    if act == "release":
        done = await binding_answers.release(
            world, work, database, member=resident, account=ctx.account, bond_id=bond_id
        )
        return ctx.reply("household.released" if done == Answered.ENDED else _ANSWERS[done])
    done = await binding_answers.remove(
        world, work, database, guardian=resident, account=ctx.account, bond_id=bond_id
    )
    return ctx.reply(_REMOVED.get(done, "household.gone"))


_ANSWERS = {
    Answered.CONFIRMED: "household.agreed",
    Answered.REFUSED: "household.declined",
    Answered.CIRCULAR: "household.circle",
    Answered.GONE: "household.gone",
}
_REMOVED = {Answered.ENDED: "household.removed", Answered.WITHDRAWN: "household.withdrawn"}


def _set_aside(ctx: Context) -> None:
    """What a form was asking is asked again below."""
    if not ctx.talk.expired:
        ctx.aside = open_question(ctx)
