package dev.kabao.interop.mp;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import me.chanjar.weixin.common.error.WxErrorException;
import me.chanjar.weixin.mp.api.WxMpMemberCardService;
import me.chanjar.weixin.mp.api.WxMpService;
import me.chanjar.weixin.mp.bean.card.membercard.NameValues;
import me.chanjar.weixin.mp.bean.card.membercard.WxMpMemberCardUpdateMessage;
import me.chanjar.weixin.mp.bean.card.membercard.WxMpMemberCardUserInfoResult;

/**
 * Reads and changes a member of an official account with weixin-java-mp's own tokens, requests and readers.
 *
 * <p>{@code Main SANDBOX_DIRECTORY HOST:PORT} prints what it saw as one JSON object.
 */
public final class Main {
  private static final String CARD = "ph_gmt7cUVrlRk8swPwx7aDyF-pg";
  private static final String CODE = "916679873278";

  private Main() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 2) {
      System.err.println("usage: Main SANDBOX_DIRECTORY HOST:PORT");
      System.exit(2);
    }
    WxMpService service = Sandbox.service(Path.of(arguments[0]), arguments[1]);
    WxMpMemberCardService members = service.getMemberCardService();

    JsonObject seen = new JsonObject();
    seen.add("before", shown(members.getUserInfo(CARD, CODE)));
    seen.add("update", update(members));
    seen.add("after", shown(members.getUserInfo(CARD, CODE)));
    seen.addProperty("ticket", service.getCardService().createQrcodeCard(CARD, "counter-7").getTicket());
    // Sends a code that is an empty text, and an openid that is another.
    seen.addProperty(
        "empty_code_ticket",
        service.getCardService().createQrcodeCard(CARD, "counter-7", 1800, "", "", false).getTicket());
    seen.addProperty("refusal", refusal(members));
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    out.println(new Gson().toJson(seen));
    // The SDK keeps threads for its connections.
    System.exit(0);
  }

  /** Amounts are floating point in this SDK: it sends {@code 2900.0} and {@code -100.0}. */
  private static JsonObject update(WxMpMemberCardService members) throws WxErrorException {
    var message = new WxMpMemberCardUpdateMessage();
    message.setCardId(CARD);
    message.setCode(CODE);
    message.setAddBonus(40);
    message.setRecordBonus("消费");
    message.setBalance(2900.0);
    message.setAddBalance(-100.0);
    var result = members.updateUserMemberCard(message);
    JsonObject seen = new JsonObject();
    seen.addProperty("errcode", result.getErrorCode());
    seen.addProperty("bonus", result.getResultBonus());
    seen.addProperty("balance", result.getResultBalance());
    return seen;
  }

  private static int refusal(WxMpMemberCardService members) {
    try {
      members.getUserInfo(CARD, "000000000000");
    } catch (WxErrorException refused) {
      return refused.getError().getErrorCode();
    }
    throw new IllegalStateException("a member that does not exist was found");
  }

  private static JsonObject shown(WxMpMemberCardUserInfoResult member) {
    JsonObject seen = new JsonObject();
    seen.addProperty("nickname", member.getNickname());
    seen.addProperty("bonus", member.getBonus());
    seen.addProperty("balance", member.getBalance());
    seen.add("common", fields(member.getUserInfo().getCommonFieldList()));
    seen.add("custom", fields(member.getUserInfo().getCustomFieldList()));
    return seen;
  }

  private static JsonArray fields(NameValues[] fields) {
    JsonArray seen = new JsonArray();
    for (NameValues field : fields) {
      JsonObject one = new JsonObject();
      one.addProperty("name", field.getName());
      one.addProperty("value", field.getValue());
      one.add("value_list", new Gson().toJsonTree(field.getValueList()));
      seen.add(one);
    }
    return seen;
  }
}
