"""Signs, encrypts and decrypts with weworkapi, a port of the platform's own sample: one question per line."""

import json
import sys

from weworkapi.WXBizMsgCrypt3 import SHA1, Prpcrypt, WXBizMsgCrypt


def checked(result):
    code, value = result
    if code:
        raise SystemExit(f"weworkapi answers {code}")
    return value if isinstance(value, str) else value.decode()


def answer(question):
    if question["do"] == "sign":
        parts = [*question["parts"], "", ""][:3]
        return {"signature": checked(SHA1().getSHA1(question["token"], *parts))}
    cipher = Prpcrypt(WXBizMsgCrypt("", question["key"], "").key)
    if question["do"] == "decrypt":
        return {"message": checked(cipher.decrypt(question["encrypt"], question["app_id"]))}
    if question.get("prefix"):
        cipher.get_random_str = question["prefix"].encode
    return {"encrypt": checked(cipher.encrypt(question["message"], question["app_id"]))}


for line in sys.stdin:
    sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
