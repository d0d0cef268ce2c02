"""bench.py SANDBOX_DIRECTORY HOST:PORT

Reads one member over and over, as it is told on standard input:

    run read IN_FLIGHT MILLISECONDS

and answers `ran CALLS SECONDS`. The package tests/bench asks."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

from wechatpayv3 import WeChatPay, WeChatPayType

from sandbox import Account, redirect

TEMPLATE = "pbLatjvWOibDc5-TBnbUk1pD12o0"
CODE = "478515832665"
MEMBER = f"/v3/marketing/membercard-open/cards/{TEMPLATE}/codes/{CODE}"


def client(account: Account):
    """The SDK's client, verifying with WeChat Pay's public key."""
    settings = account.settings
    return WeChatPay(
        wechatpay_type=WeChatPayType.JSAPI,
        mchid=settings["mchid"],
        private_key=account.private_key,
        cert_serial_no=settings["serial_no"],
        appid=settings.get("appid", ""),
        apiv3_key=settings["apiv3_key"],
        timeout=(5, 15),
        public_key=account.public_key,
        public_key_id=settings["public_key_id"],
    )._core


def repeat(core, ends: float) -> int:
    """Calls until the time is over; returns how many."""
    calls = 0
    while monotonic() < ends:
        status, body = core.request(MEMBER)
        if status != 200 or json.loads(body)["code"] != CODE:
            raise SystemExit(f"{status} {body}")
        calls += 1
    return calls


def main() -> None:
    directory, address = sys.argv[1:]
    redirect(Path(directory), address)
    core = client(Account(Path(directory), "demo-merchant"))
    # The threads live on: the time of those that have ended could not be read.
    callers = ThreadPoolExecutor(64)
    print("ready", flush=True)
    for question in sys.stdin:
        in_flight, milliseconds = map(int, question.split()[2:])
        started = monotonic()
        ends = started + milliseconds / 1000
        calls = sum(callers.map(lambda _: repeat(core, ends), range(in_flight)))
        print(f"ran {calls} {monotonic() - started}", flush=True)


main()
