"""The table of conversations, read in order: the first that matches and doesn't pass answers."""

from __future__ import annotations

from collections.abc import Mapping

from bot.conversation.context import Context
from bot.conversation.forms import Form, continue_form
from bot.conversation.paging import read_on, wants_more
from bot.conversation.routing import Route, always, intends, kinds
from bot.conversation.understanding.understood import Intent
from bot.message import Incoming, Kind
from handlers.chat.asked_first import answers_question, ask_or_take_answer
from handlers.chat.codes import add_code, adds_code, remove_code, removes_code, show_codes, tell_which_code
from handlers.chat.declare import FORM as DECLARE
from handlers.chat.declare import change_declaration, start_declaration, wants_change
from handlers.chat.deletion import (
    ask_deletion,
    confirms_deletion,
    explain_deletion,
    keep_data,
    takes_back,
    wants_deletion,
    withdraw_consent,
    withdraws,
)
from handlers.chat.fallback import offer_nearest
from handlers.chat.family_reports import FORM as FAMILY
from handlers.chat.family_reports import may_be_family, report_family
from handlers.chat.help import LATER, nothing_to_cancel, refuse_kindly, show_menu, show_privacy
from handlers.chat.household import (
    add_member,
    adds_member,
    asks_family,
    asks_guardians,
    asks_who_asked,
    picks_bond,
    release_guardian,
    releases,
    remove_member,
    removes_member,
    show_family,
    show_guardians,
    show_who_asks,
    take_pick,
)
from handlers.chat.household_form import FORM as HOUSEHOLD
from handlers.chat.identity import verify_identity, wants_verification
from handlers.chat.language import choose_language
from handlers.chat.link import answer_link, answers_link, ask_link, wants_link
from handlers.chat.media import (
    ask_to_type,
    decline_picture,
    follow_menu,
    is_event,
    is_unheard_voice,
    name_place,
    open_page,
)
from handlers.chat.my_data import (
    give_copy,
    offer_correction,
    show_overview,
    show_views,
    wants_copy,
    wants_correction,
    wants_overview,
    wants_views,
)
from handlers.chat.platform_news import note_consents, note_deliveries
from handlers.chat.punch_in import FORM as PUNCH_IN
from handlers.chat.punch_in import punch_in, reports
from handlers.chat.reachable import asks_reach, explain_reach, set_quiet_hours, sets_quiet_hours
from handlers.chat.reminders import set_reminders, sets_reminders
from handlers.chat.time_zone import set_zone, sets_zone
from handlers.chat.welcome import ask_consent, greet, leave, meet, without_consent
from handlers.chat.why import explain

FORMS: Mapping[str, Form] = {form.name: form for form in (DECLARE, PUNCH_IN, FAMILY, HOUSEHOLD)}


def has_form(message: Incoming, ctx: Context) -> bool:
    """A form is under way."""
    return bool(ctx.talk.form)


ROUTES: tuple[Route, ...] = (
    Route("leave", kinds(Kind.UNFOLLOW), leave),
    Route("subscription", kinds(Kind.SUBSCRIPTION), note_consents),
    Route("delivery", kinds(Kind.DELIVERY), note_deliveries),
    # one's rights need no consent that still stands: whoever took it back may have everything deleted
    Route("my_data", wants_overview, show_overview),
    Route("views", wants_views, show_views),
    Route("copy", wants_copy, give_copy),
    Route("correct", wants_correction, offer_correction),
    Route("take_back", takes_back, keep_data),
    Route("confirm_deletion", confirms_deletion, ask_deletion),
    Route("delete", wants_deletion, explain_deletion),
    Route("withdraw", withdraws, withdraw_consent),
    Route("consent", without_consent, ask_consent),
    Route("greet", kinds(Kind.FOLLOW), greet),
    Route("meet", kinds(Kind.ENTER), meet),
    Route("more", wants_more, read_on),
    Route("menu", is_event, follow_menu),
    Route("page", kinds(Kind.PAGE), open_page),
    Route("voice", is_unheard_voice, ask_to_type),
    Route("picture", kinds(Kind.IMAGE), decline_picture),
    Route("place", kinds(Kind.LOCATION), name_place),
    Route("answer_link", answers_link, answer_link),
    Route("asked_first", answers_question, ask_or_take_answer),
    Route("verify", wants_verification, verify_identity),
    Route("link", wants_link, ask_link),
    Route("answer_binding", picks_bond, take_pick),
    Route("binding_asked", asks_who_asked, show_who_asks),
    Route("guardians", asks_guardians, show_guardians),
    Route("release", releases, release_guardian),
    Route("remove_member", removes_member, remove_member),
    Route("members", asks_family, show_family),
    Route("add_member", adds_member, add_member),
    Route("reachable", asks_reach, explain_reach),
    Route("quiet_hours", sets_quiet_hours, set_quiet_hours),
    Route("zone", sets_zone, set_zone),
    Route("reminders", sets_reminders, set_reminders),
    Route("change", wants_change, change_declaration),
    Route("add_code", adds_code, add_code),
    Route("remove_code", removes_code, remove_code),
    Route("family", may_be_family, report_family),
    Route("form", has_form, continue_form),
    Route("punch_in", reports, punch_in),
    Route("codes", intends(Intent.CODES), show_codes),
    Route("why", intends(Intent.WHY), explain),
    Route("which_code", intends(Intent.WHICH_CODE), tell_which_code),
    Route("declare", intends(Intent.DECLARE), start_declaration),
    Route("privacy", intends(Intent.PRIVACY), show_privacy),
    Route("household", intends(Intent.HOUSEHOLD), show_family),
    Route("reminders_asked", intends(Intent.REMINDERS), set_reminders),
    Route("later", intends(*LATER), refuse_kindly),
    Route("language", intends(Intent.LANGUAGE), choose_language),
    Route("help", intends(Intent.HELP), show_menu),
    Route("cancel", intends(Intent.CANCEL), nothing_to_cancel),
    Route("fallback", always, offer_nearest),
)
