"""Understanding of free text: intent, temperature, symptoms, dates, places and members of one message."""

from bot.conversation.understanding.divisions import Division, padded, unpadded
from bot.conversation.understanding.places import Found, Places
from bot.conversation.understanding.symptoms import Symptom
from bot.conversation.understanding.temperature import Reading, temperature_answer
from bot.conversation.understanding.understand import understand, understand_each
from bot.conversation.understanding.understood import Intent, Understood

__all__ = [
    "Division",
    "Found",
    "Intent",
    "Places",
    "Reading",
    "Symptom",
    "Understood",
    "padded",
    "temperature_answer",
    "understand",
    "understand_each",
    "unpadded",
]
