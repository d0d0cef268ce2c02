package firstcall;

import dev.kabao.v1.AdjustPointsRequest;
import dev.kabao.v1.AdjustPointsResponse;
import dev.kabao.v1.MemberServiceGrpc;
import dev.kabao.v1.MemberServiceGrpc.MemberServiceBlockingStub;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.TimeUnit;

/** Takes points from a member once, however often it has to call. */
public final class Repeat {
    private static final String MEMBER = "accounts/demo-official-account/templates/"
            + "ph_gmt7cUVrlRk8swPwx7aDyF-pg/members/916679873278";

    private static final Metadata.Key<String> DELAY =
            Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);

    public static void main(String[] arguments) throws Exception {
        var channel = Grpc.newChannelBuilder(arguments[0], InsecureChannelCredentials.create()).build();
        try {
            var members = MemberServiceGrpc.newBlockingStub(channel);
            var id = "order-" + System.nanoTime() + "-" + ProcessHandle.current().pid();
            var first = spend(members, id);
            // As if the first answer had been lost.
            var second = spend(members, id);
            System.out.println("spent " + (first.getBefore() - first.getAfter()) + " points once: "
                    + (first.getAfter() == second.getAfter()));
        } finally {
            channel.shutdown().awaitTermination(5, TimeUnit.SECONDS);
        }
    }

    /** Spends points once: the id is that of the order, and the same in every repeat. */
    private static AdjustPointsResponse spend(MemberServiceBlockingStub members, String id)
            throws InterruptedException {
        var request = AdjustPointsRequest.newBuilder().setName(MEMBER).setAdd(-10).setRequestId(id).build();
        for (long wait = 200, end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1); ; wait = Math.min(2 * wait, 5000)) {
            try {
                return members.withDeadlineAfter(10, TimeUnit.SECONDS).adjustPoints(request);
            } catch (StatusRuntimeException refused) {
                switch (refused.getStatus().getCode()) {
                    case UNAVAILABLE, ABORTED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNKNOWN -> { }
                    default -> throw refused;
                }
                if (System.nanoTime() > end) {
                    throw refused; // Ask ChangeService.GetChange what became of it.
                }
                TimeUnit.MILLISECONDS.sleep(Math.max(wait, told(refused)));
            }
        }
    }

    /** The delay in milliseconds that the gateway asks for, which is that of RetryInfo. */
    private static long told(StatusRuntimeException refused) {
        var delay = refused.getTrailers() == null ? null : refused.getTrailers().get(DELAY);
        return delay == null ? 0 : Long.parseLong(delay);
    }
}
