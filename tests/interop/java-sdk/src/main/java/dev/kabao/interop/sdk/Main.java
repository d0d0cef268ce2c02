package dev.kabao.interop.sdk;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Completes merchant and brand operations with wechatpay-java's own signing, verification and encryption.
 *
 * <p>{@code Main SANDBOX_DIRECTORY HOST:PORT RUN} prints what it saw as one JSON object. RUN makes the request numbers
 * of this run unique.
 */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 3) {
      System.err.println("usage: Main SANDBOX_DIRECTORY HOST:PORT RUN");
      System.exit(2);
    }
    var sandbox = new Sandbox(Path.of(arguments[0]), arguments[1]);
    var merchant = new Merchant(sandbox, sandbox.new Account("demo-merchant"));
    var brand = new Brand(sandbox, sandbox.new Account("demo-brand"));
    String run = arguments[2];

    JsonObject seen = new JsonObject();
    seen.add("merchant", merchant.update(run));
    seen.add("certificates", merchant.withCertificates());
    seen.add("refusal", merchant.refusal());
    seen.add("upload", brand.upload());
    seen.add("brand", brand.update(run));
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    out.println(new Gson().toJson(seen));
    // The SDK keeps threads for its connections.
    System.exit(0);
  }
}
