"""The page behind a one-time link: a resident's own data, as a page or as JSON, for whoever holds the link.

Opening it shows nothing and uses nothing up, because platforms fetch links by themselves; the data comes by POST.
The token stands in the path and nowhere else: nothing of it is logged, counted or sent on.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import orjson
import structlog
from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bot.clock import DEFAULT_ZONE
from bot.services.data_links import DataLink, find_link, use_link
from bot.services.my_data import collect, whose
from handlers.http.keys import CLOCK, DATABASE, METRICS, TOOLS
from handlers.http.my_data_words import worded

PATH = "/my-data/{token}"
VIEW, HTML, JSON = "view", "html", "json"
FORMS = (VIEW, HTML, JSON)
_HEADERS = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Pragma": "no-cache",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow, noarchive",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
)
_log = structlog.get_logger("my_data")
Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Pages:
    """The templates, and the policy that lets nothing in but the style that stands in the page."""

    environment: Environment
    style: Markup
    policy: str

    @classmethod
    def load(cls, folder: Path) -> Pages:
        """Read `landing.html`, `page.html` and `gone.html`, the `frame.html` of all, and `style.css`."""
        environment = Environment(
            loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )  # fmt: skip
        style = (folder / "style.css").read_text(encoding="utf-8").strip()
        allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        policy = (
            f"default-src 'none'; style-src 'sha256-{allowed}'; form-action 'self'; base-uri 'none';"
            " frame-ancestors 'none'"
        )
        return cls(environment, Markup(style), policy)  # noqa: S704 - a file of ours

    def render(self, name: str, **values: object) -> str:
        """That page."""
        return self.environment.get_template(name).render(style=self.style, **values)


_PAGES = web.AppKey("my_data_pages", Pages)


def add_routes(app: web.Application, templates: Path) -> None:
    """Add the page; `templates` is the folder of its templates."""
    app[_PAGES] = Pages.load(templates)
    app.router.add_get(PATH, _guarded(show_landing), allow_head=False)
    app.router.add_post(PATH + "/{form:" + "|".join(FORMS) + "}", _guarded(give_data))


def _guarded(handler: Handler) -> Handler:
    """Every answer says that it isn't to be kept; what fails is logged without its path."""

    async def guard(request: web.Request) -> web.Response:
        try:
            response = await handler(request)
        except Exception as error:  # noqa: BLE001 - the door: the server's own log would tell more than this
            _log.exception("my data failed", action="my_data_fail", error=type(error).__name__)
            response = web.Response(status=500, text="500")
        response.headers.update(_HEADERS)
        response.headers["Content-Security-Policy"] = request.app[_PAGES].policy
        return response

    return guard


async def show_landing(request: web.Request) -> web.Response:
    """What can be fetched here; nothing is, yet."""
    link = await _link(request)
    if link is None:
        return _gone(request)
    texts = request.app[TOOLS].texts

    def say(key: str, **params: object) -> str:
        return texts.say(link.language, key, **params)

    page = request.app[_PAGES].render(
        "landing.html",
        say=say,
        language=link.language,
        left=link.left,
        forms=FORMS,
        token=request.match_info["token"],
    )
    return _page(page)


async def give_data(request: web.Request) -> web.Response:
    """Count one fetch, and answer with the data in the wanted form."""
    app, form = request.app, request.match_info["form"]
    link = await _link(request)
    if link is None or not await use_link(app[DATABASE], link, app[CLOCK].wire()):
        return _gone(request)
    tools = app[TOOLS]
    who = await whose(app[DATABASE], link.person_id)
    copy = await collect(app[DATABASE], tools.world.keys, who, app[CLOCK].now())
    if form == JSON:
        body = orjson.dumps(copy, option=orjson.OPT_INDENT_2)
        return web.Response(body=body, headers=_file("json", "application/json; charset=utf-8"))
    person = copy["sections"]["person"]
    zone = person[0]["zone"] if person else DEFAULT_ZONE
    shown = worded(tools, copy, language=link.language, zone_name=zone)
    page = app[_PAGES].render("page.html", **shown)
    return _page(page) if form == VIEW else _page(page, headers=_file("html", "text/html; charset=utf-8"))


async def _link(request: web.Request) -> DataLink | None:
    return await find_link(request.app[DATABASE], request.match_info["token"], request.app[CLOCK].wire())


def _gone(request: web.Request) -> web.Response:
    """One answer for a forged, an old and a used link: nobody learns which it was."""
    request.app[METRICS].refusals.labels("my_data", "gone").inc()
    page = request.app[_PAGES].render("gone.html", texts=request.app[TOOLS].texts)
    return _page(page, status=404)


def _page(text: str, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    wanted = headers or {"Content-Type": "text/html; charset=utf-8"}
    return web.Response(status=status, body=text.lstrip().encode(), headers=wanted)


def _file(ending: str, content_type: str) -> dict[str, str]:
    return {
        "Content-Type": content_type,
        "Content-Disposition": f'attachment; filename="yima-my-data.{ending}"',
    }
