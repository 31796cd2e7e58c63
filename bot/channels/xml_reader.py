"""Reading XML that strangers send: expat, with a refusal for whatever could be an attack.

expat is used directly, not through xmltodict as in wechatpy: it can refuse a DOCTYPE where it stands (a resident may
well type one), keeps the blanks of what was typed, and takes a third of the time.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from bot.errors import Refused

UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML forbids but phones send."""


class XmlReader:
    """Reads one document; a subclass says which elements count. `_pieces` are the texts since it was last cleared."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def read(self, document: str | bytes) -> None:
        """Refused: a DOCTYPE (and with it every entity), and whatever is not well-formed."""
        parser = expat.ParserCreate("utf-8")  # not kept, so that the pair is no cycle for the collector
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._pieces.append
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.Parse(document, True)
        except expat.ExpatError as error:
            raise Refused("malformed_xml") from error

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        raise NotImplementedError

    def _end(self, name: str) -> None:
        raise NotImplementedError

    def _doctype(self, *declaration: object) -> None:
        raise Refused("doctype")
