package main

import (
	"context"

	brandv1 "github.com/kabao-io/kabao/gen/go/kabao/brand/v1"
	merchantv1 "github.com/kabao-io/kabao/gen/go/kabao/merchant/v1"
	officialaccountv1 "github.com/kabao-io/kabao/gen/go/kabao/officialaccount/v1"
	kabaov1 "github.com/kabao-io/kabao/gen/go/kabao/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

const (
	appid   = "wxd678efh567hg6787"
	brandID = "1004"
	picture = "https://wxpaylogo.qpic.cn/wxpaylogo/Zq4mC7vKpL2sT9/0"
)

// merchantLife is a card of the family merchant, from its making to its end.
func merchantLife(ctx context.Context, connection grpc.ClientConnInterface, control, run string) (map[string]any, error) {
	s := newStory(ctx, control, "demo-merchant")
	cards := merchantv1.NewCardServiceClient(connection)
	members := merchantv1.NewUserCardServiceClient(connection)

	created := call(s, "created", cards.CreateCard, &merchantv1.CreateCardRequest{
		Account:              s.name(),
		Appid:                appid,
		LogoUrl:              picture,
		Brand:                &merchantv1.Brand{BrandId: brandID, DisplayName: "茶港"},
		Title:                "茶港金卡",
		BackgroundPictureUrl: picture,
		Description:          "出示会员卡可累积积分",
		CodeType:             merchantv1.CodeType_CODE_TYPE_QRCODE,
		CodeMode:             merchantv1.CodeMode_CODE_MODE_SYSTEM_ALLOCATE,
		TotalQuantity:        proto.Int64(100),
		DateInformation: &merchantv1.DateInformation{
			Type: merchantv1.DateInformationType_DATE_INFORMATION_TYPE_PERMANENT,
		},
		NeedDisplayLevel:   proto.Bool(true),
		InitLevel:          proto.String("白银会员"),
		BalanceInformation: &merchantv1.BalanceInformation{NeedBalance: proto.Bool(true)},
		OutRequestNo:       "life-go" + run,
	})
	card := created.GetCardId()
	s.approve(card)
	openid := "oLifeGo" + run
	code := s.claim(card, openid)
	member := &merchantv1.GetUserCardRequest{Account: s.name(), CardId: card, Code: code}
	call(s, "claimed", members.GetUserCard, member)
	call(s, "confirm", members.ConfirmUserCard, &merchantv1.ConfirmUserCardRequest{
		Account: s.name(), CardId: card, Code: code,
		UserCardConfirmState: merchantv1.UserCardConfirmState_USER_CARD_CONFIRM_STATE_CREATE_CARD_SUCCESS,
	})
	call(s, "active", members.GetUserCard, member)
	call(s, "change", members.UpdateUserCard, &merchantv1.UpdateUserCardRequest{
		Account: s.name(), CardId: card, Code: code,
		Level: proto.String("黄金会员"),
		BalanceInformation: &merchantv1.BalanceChange{
			BeforeBalance: proto.Int64(0), Balance: proto.Int64(100), AddBalance: proto.Int64(100),
		},
		OutRequestNo: "change-go" + run,
	})
	call(s, "changed", members.GetUserCard, member)
	portable := kabaov1.NewMemberServiceClient(connection)
	call(s, "earned", portable.AdjustPoints, &kabaov1.AdjustPointsRequest{
		Name:      s.member(card, code),
		Change:    &kabaov1.AdjustPointsRequest_Add{Add: 30},
		RequestId: "earn-go" + run,
	})
	call(s, "spent", portable.AdjustBalance, &kabaov1.AdjustBalanceRequest{
		Name:      s.member(card, code),
		Change:    &kabaov1.AdjustBalanceRequest_Add{Add: -40},
		Minimum:   proto.Int64(0),
		RequestId: "spend-go" + run,
	})
	call(s, "listed", members.ListUserCards, &merchantv1.ListUserCardsRequest{
		Account: s.name(), Openid: openid, Offset: proto.Int64(0), Limit: proto.Int64(20),
	})
	call(s, "import", members.ImportUserCardByOpenid, &merchantv1.ImportUserCardByOpenidRequest{
		Account: s.name(), CardId: card, Openid: "oOtherGo" + run,
		OutRequestNo: "import-go" + run,
	})
	call(s, "end", members.SetUserCardUnavailable, &merchantv1.SetUserCardUnavailableRequest{
		Account: s.name(), CardId: card, Code: code, Reason: proto.String("会员主动注销"),
	})
	call(s, "ended", members.GetUserCard, member)
	call(s, "delete", cards.DeleteCard, &merchantv1.DeleteCardRequest{Account: s.name(), CardId: card})
	call(s, "deleted", cards.GetCard, &merchantv1.GetCardRequest{Account: s.name(), CardId: card})
	return s.end()
}

// brandLife is a card of the family brand; its templates need no approval.
func brandLife(ctx context.Context, connection grpc.ClientConnInterface, control, run string) (map[string]any, error) {
	s := newStory(ctx, control, "demo-brand")
	cards := brandv1.NewCardServiceClient(connection)
	members := brandv1.NewUserCardServiceClient(connection)
	brand := brandID

	created := call(s, "created", cards.CreateCard, &brandv1.CreateCardRequest{
		Account:        s.name(),
		OutRequestNo:   "life-go" + run,
		BrandId:        brand,
		Appid:          appid,
		CardType:       brandv1.CardType_CARD_TYPE_NORMAL,
		CardTitle:      "茶港金卡",
		CardColor:      "#1A7F5A",
		CardPictureUrl: picture,
		CodeMode:       brandv1.CodeMode_CODE_MODE_SYSTEM_ALLOCATE,
		CodeType:       brandv1.CodeType_CODE_TYPE_QR_CODE,
		Benefits:       "会员价",
		NotifyUrl:      "https://notify.example.com/wechatpay/brand-member",
		LegalAgreement: "会员须遵守门店规定。",
		ValidDateInformation: &brandv1.ValidDateInformation{
			Type: brandv1.ValidDateType_VALID_DATE_TYPE_PERMANENT,
		},
		MemberInformation: &brandv1.JumpTarget{
			JumpAppid: appid, JumpPath: "/pages/member/index",
		},
	})
	card := created.GetCardId()
	openid := "oLifeGo" + run
	code := s.claim(card, openid)
	member := &brandv1.GetUserCardRequest{
		Account: s.name(), UserCardCode: code, BrandId: brand, CardId: card, Openid: openid,
	}
	call(s, "claimed", members.GetUserCard, member)
	call(s, "active", members.ConfirmUserCard, &brandv1.ConfirmUserCardRequest{
		Account: s.name(), UserCardCode: code, BrandId: brand, CardId: card, Openid: openid,
		Level:                proto.String("白银会员"),
		UserCardConfirmState: brandv1.UserCardConfirmState_USER_CARD_CONFIRM_STATE_CREATE_CARD_SUCCESS,
	})
	// The number is plain text here and encrypted on the way to WeChat and back.
	call(s, "change", members.UpdateUserCard, &brandv1.UpdateUserCardRequest{
		Account: s.name(), UserCardCode: code, BrandId: brand, CardId: card, Openid: openid,
		Level: proto.String("黄金会员"), PhoneNumber: proto.String("138" + run),
	})
	call(s, "changed", members.GetUserCard, member)
	call(s, "points", brandv1.NewUserPointServiceClient(connection).SyncUserPoints, &brandv1.SyncUserPointsRequest{
		Account: s.name(), UserCardCode: code, BrandId: brand, CardId: card, Openid: openid,
		OutRequestNo: "points-go" + run, PointBalance: proto.Int64(1450),
	})
	call(s, "listed", members.ListUserCards, &brandv1.ListUserCardsRequest{
		Account: s.name(), BrandId: brand, Openid: openid, Offset: proto.Int64(0), Limit: 20,
	})
	call(s, "ended", members.InvalidateUserCard, &brandv1.InvalidateUserCardRequest{
		Account: s.name(), UserCardCode: code, BrandId: brand, CardId: card, Openid: openid,
		InvalidReason: proto.String("会员主动注销"),
	})
	call(s, "deleted", cards.InvalidateCard, &brandv1.InvalidateCardRequest{
		Account: s.name(), CardId: created.GetCardId(), BrandId: brand,
	})
	return s.end()
}

// officialAccountLife is a card of the family official_account.
func officialAccountLife(
	ctx context.Context, connection grpc.ClientConnInterface, control, run string,
) (map[string]any, error) {
	s := newStory(ctx, control, "demo-official-account")
	cards := officialaccountv1.NewCardServiceClient(connection)
	members := officialaccountv1.NewMemberServiceClient(connection)

	created := call(s, "created", cards.CreateCard, &officialaccountv1.CreateCardRequest{
		Account: s.name(),
		Card: &officialaccountv1.NewCard{
			CardType:   officialaccountv1.CardType_CARD_TYPE_MEMBER_CARD,
			MemberCard: newMemberCard(),
		},
	})
	card := created.GetCardId()
	s.approve(card)
	openid := "oLifeGo" + run
	code := s.claim(card, openid)
	member := &officialaccountv1.GetUserInfoRequest{Account: s.name(), CardId: card, Code: code}
	call(s, "claimed", members.GetUserInfo, member)
	call(s, "activate", members.ActivateMember, &officialaccountv1.ActivateMemberRequest{
		Account: s.name(), CardId: &card, Code: code,
		MembershipNumber: "number-go" + run, InitBonus: proto.Int64(100),
	})
	call(s, "active", members.GetUserInfo, member)
	call(s, "change", members.UpdateUser, &officialaccountv1.UpdateUserRequest{
		Account: s.name(), CardId: card, Code: code,
		AddBonus: proto.Int64(30), RecordBonus: proto.String("签到"),
	})
	call(s, "changed", members.GetUserInfo, member)
	call(s, "spent", kabaov1.NewMemberServiceClient(connection).AdjustPoints, &kabaov1.AdjustPointsRequest{
		Name:    s.member(card, code),
		Change:  &kabaov1.AdjustPointsRequest_Add{Add: -50},
		Minimum: proto.Int64(0),
	})
	call(s, "listed", officialaccountv1.NewUserServiceClient(connection).ListUserCards,
		&officialaccountv1.ListUserCardsRequest{Account: s.name(), CardId: &card, Openid: openid})
	call(s, "end", officialaccountv1.NewCodeServiceClient(connection).SetCodeUnavailable,
		&officialaccountv1.SetCodeUnavailableRequest{Account: s.name(), CardId: &card, Code: code})
	call(s, "ended", members.GetUserInfo, member)
	call(s, "delete", cards.DeleteCard, &officialaccountv1.DeleteCardRequest{Account: s.name(), CardId: card})
	call(s, "deleted", cards.GetCard, &officialaccountv1.GetCardRequest{Account: s.name(), CardId: card})
	return s.end()
}

func newMemberCard() *officialaccountv1.NewMemberCard {
	const logo = "https://mmbiz.qpic.cn/mmbiz/AbCdEf0123456789/0"
	return &officialaccountv1.NewMemberCard{
		BackgroundPicUrl: proto.String(logo),
		BaseInfo: &officialaccountv1.NewBaseInfo{
			LogoUrl:      logo,
			BrandName:    "茶港",
			CodeType:     officialaccountv1.CodeType_CODE_TYPE_BARCODE,
			Title:        "茶港金卡",
			Color:        officialaccountv1.CardColor_CARD_COLOR_030,
			Notice:       "结账时出示",
			ServicePhone: proto.String("020-12345678"),
			Description:  "消费可累积积分",
			DateInfo: &officialaccountv1.DateInfo{
				Type: officialaccountv1.DateInfoType_DATE_INFO_TYPE_DATE_TYPE_PERMANENT,
			},
			Sku:      &officialaccountv1.NewSku{Quantity: proto.Int64(100)},
			GetLimit: proto.Int64(1),
		},
		SupplyBonus:   proto.Bool(true),
		SupplyBalance: proto.Bool(false),
		Prerogative:   "会员九五折",
		WxActivate:    proto.Bool(true),
	}
}
