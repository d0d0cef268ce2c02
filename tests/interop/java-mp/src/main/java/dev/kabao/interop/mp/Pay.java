package dev.kabao.interop.mp;

import com.github.binarywang.wxpay.config.WxPayConfig;
import com.github.binarywang.wxpay.service.impl.WxPayServiceImpl;
import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Changes a member of the family merchant with weixin-java-pay's own signing, certificate download and verification.
 *
 * <p>{@code Pay SANDBOX_DIRECTORY HOST:PORT RUN} prints what it saw as one JSON object. The SDK signs for WeChat's own
 * host names only, so this JVM resolves them as a hosts entry would.
 */
public final class Pay {
  private static final String HOST = "api.mch.weixin.qq.com";
  private static final String MEMBER =
      "/v3/marketing/membercard-open/cards/pbLatjvWOibDc5-TBnbUk1pD12o0/codes/478515832665";

  private Pay() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 3) {
      System.err.println("usage: Pay SANDBOX_DIRECTORY HOST:PORT RUN");
      System.exit(2);
    }
    Path directory = Path.of(arguments[0]);
    int colon = arguments[1].lastIndexOf(':');
    Path hosts = Files.createTempFile("hosts", "");
    Files.writeString(hosts, arguments[1].substring(0, colon) + " " + HOST + "\n");
    // Read when the first name is resolved.
    System.setProperty("jdk.net.hosts.file", hosts.toString());
    Path trusted = Files.createTempFile("trust", ".p12");
    Sandbox.storeAuthority(directory.resolve("ca.pem"), trusted, "changeit");
    System.setProperty("javax.net.ssl.trustStore", trusted.toString());
    System.setProperty("javax.net.ssl.trustStorePassword", "changeit");

    String server = "https://" + HOST + arguments[1].substring(colon);
    var service = service(directory.resolve("demo-merchant"), server);
    JsonObject change = new JsonObject();
    change.addProperty("level", "黄金会员");
    change.addProperty("out_request_no", "java-pay" + arguments[2]);
    JsonObject seen = new JsonObject();
    seen.add("before", JsonParser.parseString(service.getV3(server + MEMBER)));
    // The answer has no body, and the SDK looks at the type of it.
    service.patchV3(server + MEMBER, change.toString());
    seen.add("after", JsonParser.parseString(service.getV3(server + MEMBER)));
    Files.delete(hosts);
    Files.delete(trusted);
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    out.println(new Gson().toJson(seen));
    System.exit(0);
  }

  private static WxPayServiceImpl service(Path folder, String server) throws Exception {
    var settings =
        new Gson().fromJson(Files.readString(folder.resolve("account.json")), JsonObject.class);
    var config = new WxPayConfig();
    config.setMchId(settings.get("mchid").getAsString());
    config.setApiV3Key(settings.get("apiv3_key").getAsString());
    config.setPrivateKeyPath(folder.resolve("apiclient_key.pem").toString());
    config.setPrivateCertPath(folder.resolve("apiclient_cert.pem").toString());
    config.setPayBaseUrl(server);
    var service = new WxPayServiceImpl();
    service.setConfig(config);
    return service;
  }
}
