"""Understanding of free text: intent, temperature, symptoms, dates, places and members of one message."""

from bot.conversation.understanding.divisions import Division, padded, unpadded
from bot.conversation.understanding.household import HouseholdLine, read_household
from bot.conversation.understanding.places import Found, Places
from bot.conversation.understanding.symptoms import Symptom
from bot.conversation.understanding.temperature import Reading, temperature_answer
from bot.conversation.understanding.understand import understand
from bot.conversation.understanding.understood import Intent, MemberReport, Understood

__all__ = [
    "Division",
    "Found",
    "HouseholdLine",
    "Intent",
    "MemberReport",
    "Places",
    "Reading",
    "Symptom",
    "Understood",
    "padded",
    "read_household",
    "temperature_answer",
    "understand",
    "unpadded",
]
