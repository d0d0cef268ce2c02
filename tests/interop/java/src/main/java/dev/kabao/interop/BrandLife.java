package dev.kabao.interop;

import com.google.gson.JsonObject;
import dev.kabao.brand.v1.CardServiceGrpc;
import dev.kabao.brand.v1.CardType;
import dev.kabao.brand.v1.CodeMode;
import dev.kabao.brand.v1.CodeType;
import dev.kabao.brand.v1.ConfirmUserCardRequest;
import dev.kabao.brand.v1.CreateCardRequest;
import dev.kabao.brand.v1.GetUserCardRequest;
import dev.kabao.brand.v1.InvalidateCardRequest;
import dev.kabao.brand.v1.InvalidateUserCardRequest;
import dev.kabao.brand.v1.JumpTarget;
import dev.kabao.brand.v1.ListUserCardsRequest;
import dev.kabao.brand.v1.SyncUserPointsRequest;
import dev.kabao.brand.v1.UpdateUserCardRequest;
import dev.kabao.brand.v1.UserCardConfirmState;
import dev.kabao.brand.v1.UserCardServiceGrpc;
import dev.kabao.brand.v1.UserPointServiceGrpc;
import dev.kabao.brand.v1.ValidDateInformation;
import dev.kabao.brand.v1.ValidDateType;
import io.grpc.Channel;
import java.util.concurrent.TimeUnit;

/** A card of the family brand; its templates need no approval. */
final class BrandLife {
  private static final String APPID = "wxd678efh567hg6787";
  private static final String BRAND_ID = "1004";

  private BrandLife() {}

  static JsonObject live(Channel channel, String control, String run) {
    var cards = CardServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    var members = UserCardServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    var points = UserPointServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    var story = new Story(control, "demo-brand");

    var created = cards.createCard(template(story.name(), run));
    story.tell("created", created);
    String card = created.getCardId();
    String openid = "oLifeJava" + run;
    String code = story.claim(card, openid);
    var member =
        GetUserCardRequest.newBuilder()
            .setAccount(story.name())
            .setUserCardCode(code)
            .setBrandId(BRAND_ID)
            .setCardId(card)
            .setOpenid(openid)
            .build();
    story.tell("claimed", members.getUserCard(member));
    story.tell(
        "active",
        members.confirmUserCard(
            ConfirmUserCardRequest.newBuilder()
                .setAccount(story.name())
                .setUserCardCode(code)
                .setBrandId(BRAND_ID)
                .setCardId(card)
                .setOpenid(openid)
                .setLevel("白银会员")
                .setUserCardConfirmState(
                    UserCardConfirmState.USER_CARD_CONFIRM_STATE_CREATE_CARD_SUCCESS)
                .build()));
    // The number is plain text here and encrypted on the way to WeChat and back.
    members.updateUserCard(
        UpdateUserCardRequest.newBuilder()
            .setAccount(story.name())
            .setUserCardCode(code)
            .setBrandId(BRAND_ID)
            .setCardId(card)
            .setOpenid(openid)
            .setLevel("黄金会员")
            .setPhoneNumber("138" + run)
            .build());
    story.tell("changed", members.getUserCard(member));
    story.tell(
        "points",
        points.syncUserPoints(
            SyncUserPointsRequest.newBuilder()
                .setAccount(story.name())
                .setUserCardCode(code)
                .setBrandId(BRAND_ID)
                .setCardId(card)
                .setOpenid(openid)
                .setOutRequestNo("points-java" + run)
                .setPointBalance(1450)
                .build()));
    story.tell(
        "listed",
        members.listUserCards(
            ListUserCardsRequest.newBuilder()
                .setAccount(story.name())
                .setBrandId(BRAND_ID)
                .setOpenid(openid)
                .setOffset(0)
                .setLimit(20)
                .build()));
    story.tell(
        "ended",
        members.invalidateUserCard(
            InvalidateUserCardRequest.newBuilder()
                .setAccount(story.name())
                .setUserCardCode(code)
                .setBrandId(BRAND_ID)
                .setCardId(card)
                .setOpenid(openid)
                .setInvalidReason("会员主动注销")
                .build()));
    story.tell(
        "deleted",
        cards.invalidateCard(
            InvalidateCardRequest.newBuilder()
                .setAccount(story.name())
                .setCardId(card)
                .setBrandId(BRAND_ID)
                .build()));
    return story.end();
  }

  private static CreateCardRequest template(String account, String run) {
    return CreateCardRequest.newBuilder()
        .setAccount(account)
        .setOutRequestNo("life-java" + run)
        .setBrandId(BRAND_ID)
        .setAppid(APPID)
        .setCardType(CardType.CARD_TYPE_NORMAL)
        .setCardTitle("茶港金卡")
        .setCardColor("#1A7F5A")
        .setCardPictureUrl("https://wxpaylogo.qpic.cn/wxpaylogo/Zq4mC7vKpL2sT9/0")
        .setCodeMode(CodeMode.CODE_MODE_SYSTEM_ALLOCATE)
        .setCodeType(CodeType.CODE_TYPE_QR_CODE)
        .setBenefits("会员价")
        .setNotifyUrl("https://notify.example.com/wechatpay/brand-member")
        .setLegalAgreement("会员须遵守门店规定。")
        .setValidDateInformation(
            ValidDateInformation.newBuilder().setType(ValidDateType.VALID_DATE_TYPE_PERMANENT))
        .setMemberInformation(
            JumpTarget.newBuilder().setJumpAppid(APPID).setJumpPath("/pages/member/index"))
        .build();
  }
}
