"""Gives a member points once, however often it has to call.

    python repeat.py ADDRESS
"""

import sys
import time
import uuid

import grpc
from kabao.v1.member_service_pb2 import AdjustPointsRequest, AdjustPointsResponse
from kabao.v1.member_service_pb2_grpc import MemberServiceStub

MEMBER = "accounts/demo-official-account/templates/ph_gmt7cUVrlRk8swPwx7aDyF-pg/members/916679873278"

AGAIN = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNKNOWN,
}


def earn(members: MemberServiceStub, order: str) -> AdjustPointsResponse:
    """Adds points once: the id is that of the order, and the same in every repeat."""
    request = AdjustPointsRequest(name=MEMBER, add=10, request_id=order)
    wait, end = 0.2, time.monotonic() + 60
    while True:
        try:
            return members.AdjustPoints(request, timeout=10)
        except grpc.RpcError as error:
            if error.code() not in AGAIN or time.monotonic() > end:
                raise  # Of the first kind, ask ChangeService.GetChange what became of it.
            told = dict(error.trailing_metadata() or ()).get("grpc-retry-pushback-ms", 0)
            time.sleep(max(wait, int(told) / 1000))
            wait = min(2 * wait, 5)


def main(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        members = MemberServiceStub(channel)
        order = str(uuid.uuid4())
        first = earn(members, order)
        # As if the first answer had been lost.
        second = earn(members, order)
        print(f"earned {first.after - first.before} points once: {first.after == second.after}")


main(*sys.argv[1:])
