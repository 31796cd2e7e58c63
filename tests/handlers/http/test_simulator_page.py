"""The simulator's page and its files."""

from __future__ import annotations

import json
import re

import pytest

from tests.handlers.http.simulator_door import TEMPLATES, Door


async def test_page_allows_nothing_inline_and_nothing_from_elsewhere(door: Door) -> None:
    async with door.client.get("/simulator/") as response:
        policy = response.headers["Content-Security-Policy"]
        html = await response.text()
    assert response.status == 200
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    assert re.findall(r"\s(?:style|on\w+)=|<script>|<style|://", html) == []


async def test_every_file_that_the_page_names_is_served(door: Door) -> None:
    html = (TEMPLATES / "page.html").read_text(encoding="utf-8")
    scripts = [path.name for path in (TEMPLATES / "static").glob("*.js")]
    named = (
        {part.split('"')[0] for part in html.split("/simulator/static/")[1:]} | set(scripts) | {"labels.json"}
    )
    for name in sorted(named):
        async with door.client.get(f"/simulator/static/{name}") as response:
            assert (response.status, name) == (200, name)


@pytest.mark.parametrize("name", ["nothing.js", "..%2fpage.html", "%2e%2e/page.html"])
async def test_file_that_is_not_the_page_s_is_not_found(door: Door, name: str) -> None:
    async with door.client.get(f"/simulator/static/{name}") as response:
        assert response.status == 404


async def test_address_without_its_slash_leads_to_the_page(door: Door) -> None:
    async with door.client.get("/simulator", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (308, "/simulator/")


def test_page_has_the_same_labels_in_both_languages() -> None:
    labels = json.loads((TEMPLATES / "static" / "labels.json").read_text(encoding="utf-8"))
    assert set(labels) == {"zh", "en"}
    assert set(labels["zh"]) == set(labels["en"])
    assert all(words.strip() for each in labels.values() for words in each.values())
