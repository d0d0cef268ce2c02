package dev.kabao.interop;

import com.google.gson.JsonObject;
import dev.kabao.merchant.v1.BalanceChange;
import dev.kabao.merchant.v1.BalanceInformation;
import dev.kabao.merchant.v1.Brand;
import dev.kabao.merchant.v1.CardServiceGrpc;
import dev.kabao.merchant.v1.CodeMode;
import dev.kabao.merchant.v1.CodeType;
import dev.kabao.merchant.v1.ConfirmUserCardRequest;
import dev.kabao.merchant.v1.CreateCardRequest;
import dev.kabao.merchant.v1.DateInformation;
import dev.kabao.merchant.v1.DateInformationType;
import dev.kabao.merchant.v1.DeleteCardRequest;
import dev.kabao.merchant.v1.GetCardRequest;
import dev.kabao.merchant.v1.GetUserCardRequest;
import dev.kabao.merchant.v1.ImportUserCardByOpenidRequest;
import dev.kabao.merchant.v1.ListUserCardsRequest;
import dev.kabao.merchant.v1.SetUserCardUnavailableRequest;
import dev.kabao.merchant.v1.UpdateUserCardRequest;
import dev.kabao.merchant.v1.UserCardConfirmState;
import dev.kabao.merchant.v1.UserCardServiceGrpc;
import dev.kabao.v1.AdjustBalanceRequest;
import dev.kabao.v1.AdjustPointsRequest;
import dev.kabao.v1.MemberServiceGrpc;
import io.grpc.Channel;
import java.util.concurrent.TimeUnit;

/** A card of the family merchant, from its making to its end. */
final class MerchantLife {
  private static final String PICTURE = "https://wxpaylogo.qpic.cn/wxpaylogo/Zq4mC7vKpL2sT9/0";

  private MerchantLife() {}

  static JsonObject live(Channel channel, String control, String run) {
    var cards = CardServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    var members = UserCardServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    var portable = MemberServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    var story = new Story(control, "demo-merchant");

    var created = cards.createCard(template(story.name(), run));
    story.tell("created", created);
    String card = created.getCardId();
    story.approve(card);
    String openid = "oLifeJava" + run;
    String code = story.claim(card, openid);
    var member =
        GetUserCardRequest.newBuilder().setAccount(story.name()).setCardId(card).setCode(code).build();
    story.tell("claimed", members.getUserCard(member));
    members.confirmUserCard(
        ConfirmUserCardRequest.newBuilder()
            .setAccount(story.name())
            .setCardId(card)
            .setCode(code)
            .setUserCardConfirmState(
                UserCardConfirmState.USER_CARD_CONFIRM_STATE_CREATE_CARD_SUCCESS)
            .build());
    story.tell("active", members.getUserCard(member));
    members.updateUserCard(
        UpdateUserCardRequest.newBuilder()
            .setAccount(story.name())
            .setCardId(card)
            .setCode(code)
            .setLevel("黄金会员")
            .setBalanceInformation(
                BalanceChange.newBuilder().setBeforeBalance(0).setBalance(100).setAddBalance(100))
            .setOutRequestNo("change-java" + run)
            .build());
    story.tell("changed", members.getUserCard(member));
    story.tell(
        "earned",
        portable.adjustPoints(
            AdjustPointsRequest.newBuilder()
                .setName(story.member(card, code))
                .setAdd(30)
                .setRequestId("earn-java" + run)
                .build()));
    story.tell(
        "spent",
        portable.adjustBalance(
            AdjustBalanceRequest.newBuilder()
                .setName(story.member(card, code))
                .setAdd(-40)
                .setMinimum(0)
                .setRequestId("spend-java" + run)
                .build()));
    story.tell(
        "listed",
        members.listUserCards(
            ListUserCardsRequest.newBuilder()
                .setAccount(story.name())
                .setOpenid(openid)
                .setOffset(0)
                .setLimit(20)
                .build()));
    story.tell(
        "import",
        members.importUserCardByOpenid(
            ImportUserCardByOpenidRequest.newBuilder()
                .setAccount(story.name())
                .setCardId(card)
                .setOpenid("oOtherJava" + run)
                .setOutRequestNo("import-java" + run)
                .build()));
    members.setUserCardUnavailable(
        SetUserCardUnavailableRequest.newBuilder()
            .setAccount(story.name())
            .setCardId(card)
            .setCode(code)
            .setReason("会员主动注销")
            .build());
    story.tell("ended", members.getUserCard(member));
    cards.deleteCard(DeleteCardRequest.newBuilder().setAccount(story.name()).setCardId(card).build());
    story.tell(
        "deleted",
        cards.getCard(GetCardRequest.newBuilder().setAccount(story.name()).setCardId(card).build()));
    return story.end();
  }

  private static CreateCardRequest template(String account, String run) {
    return CreateCardRequest.newBuilder()
        .setAccount(account)
        .setAppid("wxd678efh567hg6787")
        .setLogoUrl(PICTURE)
        .setBrand(Brand.newBuilder().setBrandId("1004").setDisplayName("茶港"))
        .setTitle("茶港金卡")
        .setBackgroundPictureUrl(PICTURE)
        .setDescription("出示会员卡可累积积分")
        .setCodeType(CodeType.CODE_TYPE_QRCODE)
        .setCodeMode(CodeMode.CODE_MODE_SYSTEM_ALLOCATE)
        .setTotalQuantity(100)
        .setDateInformation(
            DateInformation.newBuilder()
                .setType(DateInformationType.DATE_INFORMATION_TYPE_PERMANENT))
        .setNeedDisplayLevel(true)
        .setInitLevel("白银会员")
        .setBalanceInformation(BalanceInformation.newBuilder().setNeedBalance(true))
        .setOutRequestNo("life-java" + run)
        .build();
  }
}
