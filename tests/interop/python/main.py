"""main.py SANDBOX_DIRECTORY HOST:PORT RUN

Completes merchant and brand operations with wechatpayv3's own signing and
verification, and prints what it saw as one JSON object. RUN makes the request
numbers of this run unique."""

import base64
import json
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.core import Core, RequestType

from sandbox import Account, redirect

TEMPLATE = "pbLatjvWOibDc5-TBnbUk1pD12o0"
CODE = "478515832665"
OPENID = "obLatjnx9gnqzS4myYGmLZ7LgLBA"

MERCHANT_MEMBER = f"/v3/marketing/membercard-open/cards/{TEMPLATE}/codes/{CODE}"
BRAND = "/v3/brand/partner/card-member"


# One grey pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNo"
    "AAAAggCB2kUIOwAAAABJRU5ErkJggg=="
)


def client(account: Account, public_key_mode: bool) -> WeChatPay:
    """The SDK's client for one account."""
    settings = account.settings
    return WeChatPay(
        wechatpay_type=WeChatPayType.JSAPI,
        mchid=settings["mchid"],
        private_key=account.private_key,
        cert_serial_no=settings["serial_no"],
        appid=settings.get("appid", ""),
        apiv3_key=settings["apiv3_key"],
        timeout=(5, 15),
        public_key=account.public_key if public_key_mode else None,
        public_key_id=settings["public_key_id"] if public_key_mode else None,
    )


def generic(account: Account, public_key_mode: bool) -> Core:
    """Membership cards have no method of their own in the SDK, so the calls go through
    its generic request, which signs and verifies all the same."""
    return client(account, public_key_mode)._core


def call(core: Core, path: str, method: RequestType = RequestType.GET, data=None):
    """One call; anything but a verified success ends the program."""
    status, body = core.request(path, method=method, data=data)
    if status not in (200, 204):
        raise SystemExit(f"{method.value} {path}: {status} {body}")
    return json.loads(body) if body else None


def merchant(account: Account, run: str) -> dict:
    """WeChat's own example of a user card update, and what a query says before and after."""
    core = generic(account, public_key_mode=True)
    before = call(core, MERCHANT_MEMBER)
    request = {
        "level": "黄金会员",
        "membership_number": f"P{run}",
        "balance_information": {
            "before_balance": before["balance"],
            "balance": before["balance"] + 100,
            "add_balance": 100,
        },
        "out_request_no": f"python{run}",
    }
    call(core, MERCHANT_MEMBER, RequestType.PATCH, request)
    # A caller that lost the answer repeats the call with the same number.
    call(core, MERCHANT_MEMBER, RequestType.PATCH, request)
    return {"before": before, "request": request, "after": call(core, MERCHANT_MEMBER)}


def certificates(account: Account) -> dict:
    """The same query, trusting downloaded certificates instead of the public key."""
    core = generic(account, public_key_mode=False)
    serials = [f"{known.serial_number:040X}" for known in core._certificates]
    return {"serials": serials, "member": call(core, MERCHANT_MEMBER)}


def upload(account: Account) -> dict:
    """A picture, sent with the SDK's own upload, which signs the part `meta`."""
    with tempfile.NamedTemporaryFile(suffix=".png") as picture:
        picture.write(PNG)
        picture.flush()
        status, body = client(account, public_key_mode=True).marketing_image_upload(picture.name)
    if status != 200:
        raise SystemExit(f"upload: {status} {body}")
    return json.loads(body)


def brand(account: Account, run: str) -> dict:
    """A service provider's template and member, with a phone number encrypted both ways."""
    core = generic(account, public_key_mode=True)
    brand_id = account.settings["brand_id"]
    template = f"{BRAND}/cards/{TEMPLATE}"
    query = f"{template}?{urlencode({'brand_id': brand_id})}"
    owner = {"brand_id": brand_id, "card_id": TEMPLATE, "openid": OPENID}
    member = f"{BRAND}/user-cards/{CODE}"

    before = call(core, query)
    call(core, template, RequestType.PATCH, {"brand_id": brand_id, "benefits": f"python{run}"})
    after = call(core, query)

    phone = "138" + run.zfill(8)[-8:]
    change = {**owner, "level": "Gold", "phone_number": core.encrypt(phone)}
    call(core, member, RequestType.PATCH, change)
    card = call(core, f"{member}?{urlencode(owner)}")
    card["phone_number"] = core.decrypt(card["phone_number"])

    invalidated = call(core, f"{template}/invalidate", RequestType.POST, {"brand_id": brand_id})
    return {
        "before": before,
        "after": after,
        "member": card,
        "phone": phone,
        "invalidated": invalidated,
    }


def refusal(account: Account) -> dict:
    """A refusal arrives with WeChat's own code."""
    core = generic(account, public_key_mode=True)
    status, body = core.request(MERCHANT_MEMBER.replace(CODE, "000000000000"))
    return {"status": status, "code": json.loads(body)["code"]}


def main() -> None:
    directory, address, run = sys.argv[1:]
    redirect(Path(directory), address)
    as_merchant = Account(Path(directory), "demo-merchant")
    as_brand = Account(Path(directory), "demo-brand")
    seen = {
        "merchant": merchant(as_merchant, run),
        "certificates": certificates(as_merchant),
        "refusal": refusal(as_merchant),
        "upload": upload(as_brand),
        "brand": brand(as_brand, run),
    }
    print(json.dumps(seen))


main()
