"""Reads a member through a gateway that wants to know who calls: over TLS, with a bearer token.

    python secure_call.py ADDRESS CA TOKEN_FILE
"""

import sys
from pathlib import Path

import grpc
from kabao.v1.member_pb2 import Member
from kabao.v1.member_service_pb2 import GetMemberRequest
from kabao.v1.member_service_pb2_grpc import MemberServiceStub

MEMBER = "accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665"


def connect(address: str, ca: str, token_file: str) -> grpc.Channel:
    tls = grpc.ssl_channel_credentials(root_certificates=Path(ca).read_bytes())
    token = grpc.access_token_call_credentials(Path(token_file).read_text())
    return grpc.secure_channel(address, grpc.composite_channel_credentials(tls, token))


def main(address: str, ca: str, token_file: str) -> None:
    with connect(address, ca, token_file) as channel:
        found = MemberServiceStub(channel).GetMember(GetMemberRequest(name=MEMBER), timeout=10)
        print("known, and read:", Member.State.Name(found.state))


main(*sys.argv[1:])
