"""Everything that isn't text: voice, pictures, places, the menu below the chat, scans, pages of the mini-program."""

from __future__ import annotations

from collections.abc import Mapping

from bot.conversation.context import Context
from bot.conversation.forms import open_question
from bot.conversation.routing import Answer, Handler
from bot.conversation.words import place_words
from bot.message import Incoming, Kind, Reply
from handlers.chat.codes import show_codes
from handlers.chat.declare import start_declaration
from handlers.chat.help import MENU, show_menu
from handlers.chat.punch_in import punch_in
from handlers.chat.why import explain

# what the items of the menu stand for, in words that are understood
_ITEMS: Mapping[str, tuple[str, Handler]] = {
    "PUNCH_IN": ("打卡", punch_in),
    "CODES": ("我的码", show_codes),
    "WHY": ("为什么", explain),
    "DECLARE": ("申报", start_declaration),
    "HELP": ("帮助", show_menu),
}
_OWN_ITEM = {"punch_in": "打卡", "declare": "申报"}
# the pages of the mini-program, and the items that are the same conversations
_PAGES: Mapping[str, str] = {
    "pages/punch-in": "PUNCH_IN",
    "pages/codes": "CODES",
    "pages/why": "WHY",
    "pages/declare": "DECLARE",
    "pages/help": "HELP",
}
_EVENTS = frozenset({Kind.MENU, Kind.SCAN, Kind.VIEW})


def is_unheard_voice(message: Incoming, ctx: Context) -> bool:
    """A recording that the platform has not turned into words."""
    return message.kind == Kind.VOICE and not message.text


async def ask_to_type(message: Incoming, ctx: Context) -> Reply:
    """A recording can't be listened to."""
    return _below_form(ctx, ctx.reply("media.voice"))


async def decline_picture(message: Incoming, ctx: Context) -> Reply:
    """A picture can't be read, and isn't kept."""
    return _below_form(ctx, ctx.reply("media.picture"))


async def name_place(message: Incoming, ctx: Context) -> Reply:
    """Say in which division a shared place lies, if its label tells, and what can be done with that."""
    label = message.spot.label if message.spot else ""
    found = ctx.places.find(label, ctx.today).codes if label else ()
    if not found:
        return _below_form(ctx, ctx.reply("media.place_unknown"))
    return _below_form(ctx, ctx.reply("media.place", place=place_words(ctx, found[-1])))


def is_event(message: Incoming, ctx: Context) -> bool:
    """A click, a scan or a page that was opened."""
    return message.kind in _EVENTS


async def follow_menu(message: Incoming, ctx: Context) -> Answer:
    """A click on the menu is the same as its words; what a click on something else means isn't ours to say."""
    item = _ITEMS.get(message.event_key.strip().upper())
    return None if item is None else await _follow(item, message, ctx)


async def open_page(message: Incoming, ctx: Context) -> Answer:
    """A page of the mini-program, shared into its chat, begins the conversation about the same thing."""
    item = _ITEMS.get(_PAGES.get(_page(message.event_key), ""))
    if item is None:
        return _below_form(ctx, ctx.ask("media.page", *MENU))
    return await _follow(item, message, ctx)


def _page(path: str) -> str:
    """The page that a shared path names: without its query and what the platform puts around it."""
    bare = path.split("?", 1)[0].strip("/ ").removesuffix(".html")
    return "/".join(bare.split("/")[:2])


async def _follow(item: tuple[str, Handler], message: Incoming, ctx: Context) -> Answer:
    words, handler = item
    ctx.message = message.with_text(words)
    asked = None if ctx.talk.expired else open_question(ctx)
    if asked is None:
        return await handler(ctx.message, ctx)
    form = ctx.talk.form
    if _OWN_ITEM.get(form) == words:
        return asked
    ctx.aside = asked
    answer = await handler(ctx.message, ctx)
    if ctx.talk.form != form:  # the click began something else: the question comes back when that is done
        ctx.aside = None
    return answer


def _below_form(ctx: Context, reply: Reply) -> Reply:
    """Below the answer, the question of the form that is under way."""
    if not ctx.talk.expired:
        ctx.aside = open_question(ctx)
    return reply
