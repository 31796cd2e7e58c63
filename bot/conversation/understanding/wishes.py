"""Short wishes such as "my data": words that a pattern matches as a whole, whatever stands around them."""

from __future__ import annotations

LONGEST_WISH = 40
"""Characters; what is longer says something else."""
_AROUND = " \t\r\n,，。.!！~～"


def wish(text: str, *, asked: bool = False) -> str:
    """The words without what stands around them; empty for what is longer than a wish.

    `asked`: a question mark doesn't change what is meant. Where somebody agrees or refuses it does.
    """
    return text.strip(_AROUND + "?？" if asked else _AROUND) if len(text) <= LONGEST_WISH else ""
