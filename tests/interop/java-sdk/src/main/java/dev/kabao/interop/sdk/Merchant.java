package dev.kabao.interop.sdk;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.wechat.pay.java.core.Config;
import com.wechat.pay.java.core.exception.ServiceException;
import com.wechat.pay.java.core.http.HttpHeaders;
import java.util.Locale;

/** A member of the family merchant. */
final class Merchant {
  private static final String CARD =
      "/v3/marketing/membercard-open/cards/pbLatjvWOibDc5-TBnbUk1pD12o0";
  static final String CODE = "478515832665";
  static final String MEMBER = CARD + "/codes/" + CODE;

  private final Sandbox sandbox;
  private final Sandbox.Account account;

  Merchant(Sandbox sandbox, Sandbox.Account account) {
    this.sandbox = sandbox;
    this.account = account;
  }

  /** WeChat's own example of a user card update, and what a query says before and after. */
  JsonObject update(String run) {
    Config config = account.publicKeyConfig();
    Calls calls = new Calls(sandbox.client(config));
    JsonObject before = calls.get(MEMBER);
    long balance = before.get("balance").getAsLong();
    JsonObject information = new JsonObject();
    information.addProperty("before_balance", balance);
    information.addProperty("balance", balance + 100);
    information.addProperty("add_balance", 100);
    JsonObject request = new JsonObject();
    request.addProperty("level", "黄金会员");
    request.addProperty("membership_number", "J" + run);
    request.add("balance_information", information);
    request.addProperty("out_request_no", "java-sdk" + run);
    String serial = config.createEncryptor().getWechatpaySerial();
    calls.patch(MEMBER, request, serial);
    // A caller that lost the answer repeats the call with the same number.
    HttpHeaders repeated = calls.patch(MEMBER, request, serial);
    // What the answer says of the body that it has not.
    JsonObject noContent = new JsonObject();
    for (String name : new String[] {"Content-Type", "Content-Length", "Content-Language"}) {
      noContent.addProperty(name.toLowerCase(Locale.ROOT), repeated.getHeader(name));
    }

    JsonObject seen = new JsonObject();
    seen.add("before", before);
    seen.add("request", request);
    seen.add("no_content", noContent);
    seen.add("after", calls.get(MEMBER));
    return seen;
  }

  /** The same query, trusting downloaded certificates instead of the public key. */
  JsonObject withCertificates() {
    Config config = account.certificateConfig();
    JsonArray serials = new JsonArray();
    serials.add(config.createValidator().getSerialNumber());
    JsonObject seen = new JsonObject();
    seen.add("serials", serials);
    seen.add("member", new Calls(sandbox.client(config)).get(MEMBER));
    return seen;
  }

  /** A refusal arrives with WeChat's own code. */
  JsonObject refusal() {
    try {
      new Calls(sandbox.client(account.publicKeyConfig())).get(CARD + "/codes/000000000000");
    } catch (ServiceException refused) {
      JsonObject seen = new JsonObject();
      seen.addProperty("status", refused.getHttpStatusCode());
      seen.addProperty("code", refused.getErrorCode());
      return seen;
    }
    throw new IllegalStateException("a member that does not exist was found");
  }
}
