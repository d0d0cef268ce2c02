package dev.kabao.interop;

import com.google.gson.JsonObject;
import dev.kabao.officialaccount.v1.ActivateMemberRequest;
import dev.kabao.officialaccount.v1.CardColor;
import dev.kabao.officialaccount.v1.CardServiceGrpc;
import dev.kabao.officialaccount.v1.CardType;
import dev.kabao.officialaccount.v1.CodeServiceGrpc;
import dev.kabao.officialaccount.v1.CodeType;
import dev.kabao.officialaccount.v1.CreateCardRequest;
import dev.kabao.officialaccount.v1.DateInfo;
import dev.kabao.officialaccount.v1.DateInfoType;
import dev.kabao.officialaccount.v1.DeleteCardRequest;
import dev.kabao.officialaccount.v1.GetCardRequest;
import dev.kabao.officialaccount.v1.GetUserInfoRequest;
import dev.kabao.officialaccount.v1.ListUserCardsRequest;
import dev.kabao.officialaccount.v1.MemberServiceGrpc;
import dev.kabao.officialaccount.v1.NewBaseInfo;
import dev.kabao.officialaccount.v1.NewCard;
import dev.kabao.officialaccount.v1.NewMemberCard;
import dev.kabao.officialaccount.v1.NewSku;
import dev.kabao.officialaccount.v1.SetCodeUnavailableRequest;
import dev.kabao.officialaccount.v1.UpdateUserRequest;
import dev.kabao.officialaccount.v1.UserServiceGrpc;
import dev.kabao.v1.AdjustPointsRequest;
import io.grpc.Channel;
import java.util.concurrent.TimeUnit;

/** A card of the family official_account, from its making to its end. */
final class OfficialAccountLife {
  private static final String LOGO = "https://mmbiz.qpic.cn/mmbiz/AbCdEf0123456789/0";

  private OfficialAccountLife() {}

  static JsonObject live(Channel channel, String control, String run) {
    var cards = CardServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    var codes = CodeServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    var members = MemberServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    var users = UserServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    var portable =
        dev.kabao.v1.MemberServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    var story = new Story(control, "demo-official-account");

    var created =
        cards.createCard(
            CreateCardRequest.newBuilder().setAccount(story.name()).setCard(template()).build());
    story.tell("created", created);
    String card = created.getCardId();
    story.approve(card);
    String openid = "oLifeJava" + run;
    String code = story.claim(card, openid);
    var member =
        GetUserInfoRequest.newBuilder().setAccount(story.name()).setCardId(card).setCode(code).build();
    story.tell("claimed", members.getUserInfo(member));
    members.activateMember(
        ActivateMemberRequest.newBuilder()
            .setAccount(story.name())
            .setCardId(card)
            .setCode(code)
            .setMembershipNumber("number-java" + run)
            .setInitBonus(100)
            .build());
    story.tell("active", members.getUserInfo(member));
    members.updateUser(
        UpdateUserRequest.newBuilder()
            .setAccount(story.name())
            .setCardId(card)
            .setCode(code)
            .setAddBonus(30)
            .setRecordBonus("签到")
            .build());
    story.tell("changed", members.getUserInfo(member));
    story.tell(
        "spent",
        portable.adjustPoints(
            AdjustPointsRequest.newBuilder()
                .setName(story.member(card, code))
                .setAdd(-50)
                .setMinimum(0)
                .build()));
    story.tell(
        "listed",
        users.listUserCards(
            ListUserCardsRequest.newBuilder()
                .setAccount(story.name())
                .setCardId(card)
                .setOpenid(openid)
                .build()));
    codes.setCodeUnavailable(
        SetCodeUnavailableRequest.newBuilder()
            .setAccount(story.name())
            .setCardId(card)
            .setCode(code)
            .build());
    story.tell("ended", members.getUserInfo(member));
    cards.deleteCard(DeleteCardRequest.newBuilder().setAccount(story.name()).setCardId(card).build());
    story.tell(
        "deleted",
        cards.getCard(GetCardRequest.newBuilder().setAccount(story.name()).setCardId(card).build()));
    return story.end();
  }

  private static NewCard template() {
    var information =
        NewBaseInfo.newBuilder()
            .setLogoUrl(LOGO)
            .setBrandName("茶港")
            .setCodeType(CodeType.CODE_TYPE_BARCODE)
            .setTitle("茶港金卡")
            .setColor(CardColor.CARD_COLOR_030)
            .setNotice("结账时出示")
            .setServicePhone("020-12345678")
            .setDescription("消费可累积积分")
            .setDateInfo(
                DateInfo.newBuilder().setType(DateInfoType.DATE_INFO_TYPE_DATE_TYPE_PERMANENT))
            .setSku(NewSku.newBuilder().setQuantity(100))
            .setGetLimit(1);
    return NewCard.newBuilder()
        .setCardType(CardType.CARD_TYPE_MEMBER_CARD)
        .setMemberCard(
            NewMemberCard.newBuilder()
                .setBackgroundPicUrl(LOGO)
                .setBaseInfo(information)
                .setSupplyBonus(true)
                .setSupplyBalance(false)
                .setPrerogative("会员九五折")
                .setWxActivate(true))
        .build();
  }
}
