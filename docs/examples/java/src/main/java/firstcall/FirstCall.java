package firstcall;

import com.google.protobuf.FieldMask;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import dev.kabao.v1.GetMemberRequest;
import dev.kabao.v1.Member;
import dev.kabao.v1.MemberServiceGrpc;
import dev.kabao.v1.UpdateMemberRequest;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.nio.charset.StandardCharsets;
import java.io.PrintStream;
import java.util.concurrent.TimeUnit;

/** Reads and changes a member over gRPC, and tells errors apart by their reason. */
public final class FirstCall {
    private static final String MEMBER =
            "accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665";

    public static void main(String[] arguments) throws Exception {
        var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        var channel = Grpc.newChannelBuilder(arguments[0], InsecureChannelCredentials.create()).build();
        try {
            var members = MemberServiceGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.SECONDS);
            var changed = members.updateMember(UpdateMemberRequest.newBuilder()
                    .setMember(Member.newBuilder().setName(MEMBER).setLevel("黄金会员"))
                    .setUpdateMask(FieldMask.newBuilder().addPaths("level"))
                    .build());
            out.println("level " + changed.getLevel());
            try {
                members.getMember(GetMemberRequest.newBuilder()
                        .setName("accounts/nobody/templates/x/members/1")
                        .build());
            } catch (StatusRuntimeException refused) {
                out.println("nobody: " + reason(refused));
            }
        } finally {
            channel.shutdown().awaitTermination(5, TimeUnit.SECONDS);
        }
    }

    /** The reason is for programs, the text of the error for people. */
    private static String reason(StatusRuntimeException refused) throws InvalidProtocolBufferException {
        for (var detail : StatusProto.fromThrowable(refused).getDetailsList()) {
            if (detail.is(ErrorInfo.class)) {
                return detail.unpack(ErrorInfo.class).getReason();
            }
        }
        return refused.getStatus().getCode().name();
    }
}
