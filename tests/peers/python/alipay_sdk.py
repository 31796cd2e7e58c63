"""Signs, verifies and calls with python-alipay-sdk: one question per line, one answer per line."""

import json
import os
import sys
import time

# its timestamps are the host's local time
os.environ["TZ"] = "Asia/Shanghai"
time.tzset()

from alipay import AliPay  # noqa: E402 - after the zone


def client(question):
    return AliPay(
        appid=question.get("app_id", "2021"),
        app_private_key_string=question["private_key"],
        alipay_public_key_string=question["public_key"],
        sign_type=question.get("sign_type", "RSA2"),
    )


def verify(question):
    try:
        return client(question).verify(dict(question["params"]), question["signature"])
    except Exception as error:  # noqa: BLE001 - its name is the answer
        return type(error).__name__


def sign(question):
    return client(question).sign_data(dict(question["params"]))


def call(question):
    peer = client(question)
    peer._gateway = question["gateway"]
    try:
        return {"node": peer.server_api(question["method"], question["content"])}
    except Exception as error:  # noqa: BLE001 - its name is the answer
        return {"error": type(error).__name__}


ACTS = {"verify": verify, "sign": sign, "call": call}

for line in sys.stdin:
    question = json.loads(line)
    print(json.dumps(ACTS[question["act"]](question)), flush=True)
