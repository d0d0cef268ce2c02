package dev.kabao.interop;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/**
 * Calls the gateway as a Java service would: with stubs made by the stock generators, deadlines and status details.
 *
 * <p>{@code Main ADDRESS CONTROL RUN} prints what it saw as one JSON object. CONTROL is the address of the sandbox's
 * control API, which acts for users and reviewers. RUN makes the changes of this run recognisable.
 */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 3) {
      System.err.println("usage: Main ADDRESS CONTROL RUN");
      System.exit(2);
    }
    ManagedChannel channel =
        Grpc.newChannelBuilder(arguments[0], InsecureChannelCredentials.create()).build();
    try {
      PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
      out.println(new Gson().toJson(run(channel, arguments[1], arguments[2])));
    } finally {
      channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
  }

  private static JsonObject run(ManagedChannel channel, String control, String run) {
    JsonObject seen = new JsonObject();
    seen.addProperty(
        "health",
        HealthGrpc.newBlockingStub(channel)
            .withDeadlineAfter(10, TimeUnit.SECONDS)
            .check(HealthCheckRequest.getDefaultInstance())
            .getStatus()
            .name());
    seen.add("portable", Portable.everyFamily(channel, run));
    seen.add("balance", Families.updateBalance(channel, run));
    seen.add("benefits", Families.updateBenefits(channel, run));
    seen.add("bonus", Families.updateBonus(channel));
    seen.add("refusal", Portable.unknownAccount(channel));
    JsonObject lives = new JsonObject();
    lives.add("merchant", MerchantLife.live(channel, control, run));
    lives.add("brand", BrandLife.live(channel, control, run));
    lives.add("official_account", OfficialAccountLife.live(channel, control, run));
    seen.add("lives", lives);
    return seen;
  }

  /** A message in the canonical JSON form of protobuf. */
  static JsonElement asJson(MessageOrBuilder message) {
    try {
      return JsonParser.parseString(JsonFormat.printer().print(message));
    } catch (InvalidProtocolBufferException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
