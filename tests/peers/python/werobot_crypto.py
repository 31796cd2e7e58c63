"""Signs, encrypts and decrypts with WeRoBot: one question per line, one answer per line."""

import json
import sys
from base64 import b64decode

from werobot.crypto import PrpCrypto
from werobot.utils import get_signature


def answer(question):
    if question["do"] == "sign":
        return {"signature": get_signature(question["token"], *question["parts"])}
    cipher = PrpCrypto(b64decode(question["key"] + "="))
    if question["do"] == "decrypt":
        return {"message": cipher.decrypt(question["encrypt"], question["app_id"]).decode()}
    if question.get("prefix"):
        cipher.get_random_string = lambda: question["prefix"]
    return {"encrypt": cipher.encrypt(question["message"], question["app_id"]).decode()}


for line in sys.stdin:
    sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
