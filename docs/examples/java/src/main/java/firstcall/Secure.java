package firstcall;

import dev.kabao.v1.GetMemberRequest;
import dev.kabao.v1.MemberServiceGrpc;
import io.grpc.CallCredentials;
import io.grpc.CompositeChannelCredentials;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** Reads a member through a gateway that wants to know who calls: over TLS, with a bearer token. */
public final class Secure {
    private static final String MEMBER = "accounts/demo-merchant/templates/"
            + "pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665";

    public static void main(String[] arguments) throws Exception {
        var channel = channel(arguments[0], arguments[1], arguments[2]);
        try {
            var members = MemberServiceGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.SECONDS);
            var found = members.getMember(GetMemberRequest.newBuilder().setName(MEMBER).build());
            System.out.println("known, and read: " + found.getState());
        } finally {
            channel.shutdown().awaitTermination(5, TimeUnit.SECONDS);
        }
    }

    private static ManagedChannel channel(String address, String ca, String tokenFile) throws IOException {
        var tls = TlsChannelCredentials.newBuilder().trustManager(new File(ca)).build();
        var token = new Bearer(Files.readString(Path.of(tokenFile)));
        return Grpc.newChannelBuilder(address, CompositeChannelCredentials.create(tls, token)).build();
    }

    /** Shows a token with every call. */
    private static final class Bearer extends CallCredentials {
        private static final Metadata.Key<String> KEY =
                Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

        private final String token;

        Bearer(String token) {
            this.token = token;
        }

        @Override
        public void applyRequestMetadata(RequestInfo call, Executor executor, MetadataApplier applier) {
            var metadata = new Metadata();
            metadata.put(KEY, "Bearer " + token);
            applier.apply(metadata);
        }
    }
}
