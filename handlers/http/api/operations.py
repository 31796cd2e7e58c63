"""Every operation of the front end's API: the one table that routes and the document are made from."""

from __future__ import annotations

from handlers.http.api.calls import Operation
from handlers.http.api.codes import Codes, Why, explain_code, list_codes
from handlers.http.api.declarations import (
    CurrentDeclaration,
    Declared,
    NewDeclaration,
    declare,
    show_declaration,
)
from handlers.http.api.history import History, list_history
from handlers.http.api.logins import NewSession, SessionTold, close_session, open_session
from handlers.http.api.me import ConsentSaid, ConsentTold, Me, answer_consent, show_consent, show_me
from handlers.http.api.notices import Notices, list_notices
from handlers.http.api.pages import PageAsked
from handlers.http.api.punch_ins import Day, NewPunchIns, PunchIns, report, show_today
from handlers.http.api.reminders import (
    NewSubscriptions,
    QuietHours,
    QuietHoursTold,
    Reachable,
    Subscriptions,
    set_quiet_hours,
    show_reachability,
    subscribe,
)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "open_session", "POST", "/sessions", "Log in with a platform's code", SessionTold,
        enter=open_session, body=NewSession, status=201, consent=False, problems=("login_refused",),
    ),
    Operation(
        "close_session", "DELETE", "/sessions/current", "Log out", None,
        act=close_session, status=204, consent=False,
    ),
    Operation("show_me", "GET", "/me", "Who is logged in, and what is missing", Me, act=show_me, consent=False),
    Operation(
        "show_consent", "GET", "/consent", "The text of consent, and where it stands", ConsentTold,
        act=show_consent, consent=False,
    ),
    Operation(
        "answer_consent", "POST", "/consent", "Agree, refuse or withdraw", ConsentTold,
        act=answer_consent, body=ConsentSaid, consent=False,
    ),
    Operation("list_codes", "GET", "/codes", "All health codes", Codes, act=list_codes),
    Operation(
        "explain_code", "GET", "/codes/{scheme}/why", "Why a code has its colour", Why,
        act=explain_code, problems=("not_found",),
    ),
    Operation(
        "declare", "POST", "/declarations", "Declare, declare again, or correct", Declared,
        act=declare, body=NewDeclaration, status=201, problems=("declare_first",),
    ),
    Operation(
        "show_declaration", "GET", "/declarations/current", "The last declaration", CurrentDeclaration,
        act=show_declaration, problems=("not_found",),
    ),
    Operation(
        "punch_in", "POST", "/punch-ins", "Report for today, for oneself and members", PunchIns,
        act=report, body=NewPunchIns, status=201, problems=("declare_first",),
    ),
    Operation("show_today", "GET", "/punch-ins/today", "Who has reported today", Day, act=show_today),
    Operation(
        "list_history", "GET", "/history", "Colour changes, punch-ins and declarations", History,
        act=list_history, query=PageAsked,
    ),
    Operation(
        "list_notices", "GET", "/notices", "Notices, and what became of them", Notices,
        act=list_notices, query=PageAsked,
    ),
    Operation(
        "show_reachability", "GET", "/reachability", "Whether reminders arrive, and how many are left",
        Reachable, act=show_reachability,
    ),
    Operation(
        "set_quiet_hours", "PUT", "/reachability/quiet-hours", "Choose when not to be disturbed",
        QuietHoursTold, act=set_quiet_hours, body=QuietHours, problems=("declare_first",),
    ),
    Operation(
        "subscribe", "POST", "/subscriptions", "Hand on what the platform's dialog said", Subscriptions,
        act=subscribe, body=NewSubscriptions, status=201,
    ),
)  # fmt: skip
