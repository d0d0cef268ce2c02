"""Reads and changes a member over gRPC, and tells errors apart by their reason.

    python first_call.py ADDRESS
"""

import sys

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status
from kabao.v1.member_pb2 import Member
from kabao.v1.member_service_pb2 import GetMemberRequest, UpdateMemberRequest
from kabao.v1.member_service_pb2_grpc import MemberServiceStub

MEMBER = "accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665"


def reason(error: grpc.RpcError) -> str:
    """The reason is for programs, the text of the error for people."""
    for detail in rpc_status.from_call(error).details:
        info = ErrorInfo()
        if detail.Unpack(info):
            return info.reason
    return error.code().name


def main(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        members = MemberServiceStub(channel)
        changed = members.UpdateMember(
            UpdateMemberRequest(
                member=Member(name=MEMBER, level="黄金会员"),
                update_mask=FieldMask(paths=["level"]),
            ),
            timeout=10,
        )
        print("level", changed.level)
        try:
            members.GetMember(GetMemberRequest(name="accounts/nobody/templates/x/members/1"), timeout=10)
        except grpc.RpcError as error:
            print("nobody:", reason(error))


main(*sys.argv[1:])
