"""The real-name service of an authority, over HTTP.

One POST of JSON: `certificate_kind`, `certificate_number`, `name`, `phone` (may be empty). The answer is status
200 with `{"verdict": "match"}` or `{"verdict": "mismatch"}`; everything else counts as an outage.
"""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
import orjson
import structlog

from bot.services.real_name import Claim, Verdict

_log = structlog.get_logger("real_name")
_SECONDS = 10.0
_LARGEST_ANSWER = 4096
_VERDICTS: Mapping[object, Verdict] = {"match": Verdict.MATCH, "mismatch": Verdict.MISMATCH}


class HttpRealNameService:
    """Asks the service at that URL. A call may be repeated: it only compares."""

    name = "real_name_http"

    def __init__(self, url: str, *, seconds: float = _SECONDS) -> None:
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=seconds)

    async def verify(self, claim: Claim) -> Verdict:
        """The verdict; `unavailable` for an outage, a time-out and any answer that isn't understood."""
        try:
            return await self._ask(claim)
        except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError) as error:
            _log.warning("real-name service failed", action="real_name_fail", error=type(error).__name__)
            return Verdict.UNAVAILABLE

    async def _ask(self, claim: Claim) -> Verdict:
        body = orjson.dumps(
            {
                "certificate_kind": claim.certificate_kind,
                "certificate_number": claim.certificate_number,
                "name": claim.name,
                "phone": claim.phone,
            }
        )
        async with (
            aiohttp.ClientSession(timeout=self._timeout) as session,
            session.post(
                self._url, data=body, headers={"Content-Type": "application/json"}, allow_redirects=False
            ) as response,
        ):
            if response.status != 200:
                _log.warning("real-name service refused", action="real_name_fail", status=response.status)
                return Verdict.UNAVAILABLE
            answer = orjson.loads(await response.content.read(_LARGEST_ANSWER))
        return (
            _VERDICTS.get(answer.get("verdict"), Verdict.UNAVAILABLE)
            if isinstance(answer, dict)
            else Verdict.UNAVAILABLE
        )
