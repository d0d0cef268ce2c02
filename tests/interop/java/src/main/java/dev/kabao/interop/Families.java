package dev.kabao.interop;

import com.google.gson.JsonObject;
import dev.kabao.brand.v1.CardServiceGrpc;
import dev.kabao.brand.v1.GetCardRequest;
import dev.kabao.brand.v1.UpdateCardRequest;
import dev.kabao.merchant.v1.BalanceChange;
import dev.kabao.merchant.v1.GetUserCardRequest;
import dev.kabao.merchant.v1.UpdateUserCardRequest;
import dev.kabao.merchant.v1.UserCardServiceGrpc;
import dev.kabao.officialaccount.v1.GetUserInfoRequest;
import dev.kabao.officialaccount.v1.MemberServiceGrpc;
import dev.kabao.officialaccount.v1.UpdateUserRequest;
import io.grpc.Channel;
import java.util.concurrent.TimeUnit;

/** Changes in the words of each family. */
final class Families {
  private static final String CARD = "pbLatjvWOibDc5-TBnbUk1pD12o0";

  private Families() {}

  /**
   * WeChat's own example of a user card update: a level, a number and a balance under one request number. Sent twice,
   * as a caller does that lost the answer.
   */
  static JsonObject updateBalance(Channel channel, String run) {
    var client = UserCardServiceGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.SECONDS);
    var query =
        GetUserCardRequest.newBuilder()
            .setAccount("accounts/demo-merchant")
            .setCardId(CARD)
            .setCode("478515832665")
            .build();
    var before = client.getUserCard(query);
    var change =
        UpdateUserCardRequest.newBuilder()
            .setAccount(query.getAccount())
            .setCardId(query.getCardId())
            .setCode(query.getCode())
            .setLevel("黄金会员")
            .setMembershipNumber("java" + run)
            .setBalanceInformation(
                BalanceChange.newBuilder()
                    .setBeforeBalance(before.getBalance())
                    .setBalance(before.getBalance() + 100)
                    .setAddBalance(100))
            .setOutRequestNo("balance-java" + run)
            .build();
    client.updateUserCard(change);
    client.updateUserCard(change);
    JsonObject seen = new JsonObject();
    seen.add("before", Main.asJson(before));
    seen.add("after", Main.asJson(client.getUserCard(query)));
    return seen;
  }

  /** A template in the words of the family brand. */
  static JsonObject updateBenefits(Channel channel, String run) {
    var client = CardServiceGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.SECONDS);
    var changed =
        client.updateCard(
            UpdateCardRequest.newBuilder()
                .setAccount("accounts/demo-brand")
                .setCardId(CARD)
                .setBrandId("1004")
                .setBenefits("java" + run)
                .build());
    var query =
        GetCardRequest.newBuilder()
            .setAccount("accounts/demo-brand")
            .setCardId(CARD)
            .setBrandId("1004")
            .build();
    JsonObject seen = new JsonObject();
    seen.add("changed", Main.asJson(changed));
    seen.add("after", Main.asJson(client.getCard(query)));
    return seen;
  }

  /** A member's points in the words of the family official_account. */
  static JsonObject updateBonus(Channel channel) {
    var client = MemberServiceGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.SECONDS);
    var query =
        GetUserInfoRequest.newBuilder()
            .setAccount("accounts/demo-official-account")
            .setCardId("ph_gmt7cUVrlRk8swPwx7aDyF-pg")
            .setCode("916679873278")
            .build();
    var before = client.getUserInfo(query);
    client.updateUser(
        UpdateUserRequest.newBuilder()
            .setAccount(query.getAccount())
            .setCardId(query.getCardId())
            .setCode(query.getCode())
            .setBonus(before.getBonus() + 30)
            .setRecordBonus("签到")
            .build());
    JsonObject seen = new JsonObject();
    seen.add("before", Main.asJson(before));
    seen.add("after", Main.asJson(client.getUserInfo(query)));
    return seen;
  }
}
