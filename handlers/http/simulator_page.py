"""The simulator's page and its files, read once and served locally: nothing is fetched from elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
HEADERS = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
            " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
)


@dataclass(frozen=True, slots=True)
class SimulatorPage:
    """The rendered page and the files that belong to it."""

    html: str
    files: dict[str, tuple[str, bytes]]

    @classmethod
    def load(cls, templates: Path) -> SimulatorPage:
        """Render `page.html` in Chinese, the language in which it opens; the toggle uses the same labels."""
        environment = Environment(
            loader=FileSystemLoader(templates), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        labels = json.loads((templates / "static" / "labels.json").read_text(encoding="utf-8"))
        html = environment.get_template("page.html").render(labels=labels["zh"])
        paths = sorted((templates / "static").iterdir())
        return cls(html, {path.name: (_TYPES[path.suffix], path.read_bytes()) for path in paths})

    async def show(self, request: web.Request) -> web.Response:
        """The page with its two phones."""
        return web.Response(text=self.html, content_type="text/html", charset="utf-8")

    async def show_file(self, request: web.Request) -> web.Response:
        """A style sheet, script, icon or the labels."""
        found = self.files.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        content_type, body = found
        return web.Response(body=body, content_type=content_type, charset="utf-8")
