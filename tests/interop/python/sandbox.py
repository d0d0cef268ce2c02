"""The sandbox as this program finds it: files written by `kabao dev`, and name
resolution that takes the place of a hosts entry. The SDK itself is unchanged: it
talks to https://api.mch.weixin.qq.com and checks certificate and name."""

import json
import os
import socket
from pathlib import Path

WECHAT_PAY = "api.mch.weixin.qq.com"


class Account:
    """What one account's folder holds."""

    def __init__(self, directory: Path, name: str) -> None:
        folder = directory / name
        self.settings = json.loads((folder / "account.json").read_text("utf-8"))
        self.private_key = (folder / "apiclient_key.pem").read_text("utf-8")
        self.public_key = (folder / "pub_key.pem").read_text("utf-8")


def redirect(directory: Path, address: str) -> None:
    """Sends every connection for WeChat Pay to the sandbox, and trusts its CA."""
    host, port = address.rsplit(":", 1)
    resolve = socket.getaddrinfo

    def getaddrinfo(name, service, *args, **kwargs):
        if name == WECHAT_PAY:
            return resolve(host, int(port), *args, **kwargs)
        raise OSError(f"{name} is not the sandbox")

    socket.getaddrinfo = getaddrinfo
    os.environ["REQUESTS_CA_BUNDLE"] = str(directory / "ca.pem")
