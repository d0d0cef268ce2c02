package main

import (
	"context"
	"fmt"

	brandv1 "github.com/kabao-io/kabao/gen/go/kabao/brand/v1"
	merchantv1 "github.com/kabao-io/kabao/gen/go/kabao/merchant/v1"
	officialaccountv1 "github.com/kabao-io/kabao/gen/go/kabao/officialaccount/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// updateBalance sends WeChat's own example of a user card update: a level, a number
// and a balance under one request number. It sends it twice, as a caller does that
// lost the answer.
func updateBalance(ctx context.Context, connection grpc.ClientConnInterface, run string) (map[string]any, error) {
	client := merchantv1.NewUserCardServiceClient(connection)
	merchant := families["merchant"]
	query := &merchantv1.GetUserCardRequest{
		Account: "accounts/" + merchant.account,
		CardId:  merchant.card,
		Code:    merchant.code,
	}
	before, err := client.GetUserCard(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	change := &merchantv1.UpdateUserCardRequest{
		Account:          query.GetAccount(),
		CardId:           query.GetCardId(),
		Code:             query.GetCode(),
		Level:            proto.String("黄金会员"),
		MembershipNumber: proto.String("go" + run),
		BalanceInformation: &merchantv1.BalanceChange{
			BeforeBalance: proto.Int64(before.GetBalance()),
			Balance:       proto.Int64(before.GetBalance() + 100),
			AddBalance:    proto.Int64(100),
		},
		OutRequestNo: "balance-go" + run,
	}
	for range 2 {
		if _, err := client.UpdateUserCard(ctx, change); err != nil {
			return nil, fmt.Errorf("update: %w", err)
		}
	}
	after, err := client.GetUserCard(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("get after the update: %w", err)
	}
	return map[string]any{"before": asJSON(before), "after": asJSON(after)}, nil
}

// updateBenefits changes a template in the words of the family brand.
func updateBenefits(ctx context.Context, connection grpc.ClientConnInterface, run string) (map[string]any, error) {
	client := brandv1.NewCardServiceClient(connection)
	brand := families["brand"]
	changed, err := client.UpdateCard(ctx, &brandv1.UpdateCardRequest{
		Account:  "accounts/" + brand.account,
		CardId:   brand.card,
		BrandId:  "1004",
		Benefits: proto.String("go" + run),
	})
	if err != nil {
		return nil, fmt.Errorf("update: %w", err)
	}
	after, err := client.GetCard(ctx, &brandv1.GetCardRequest{
		Account: "accounts/" + brand.account,
		CardId:  brand.card,
		BrandId: "1004",
	})
	if err != nil {
		return nil, fmt.Errorf("get after the update: %w", err)
	}
	return map[string]any{"changed": asJSON(changed), "after": asJSON(after)}, nil
}

// updateBonus sets a member's points in the words of the family official_account.
func updateBonus(ctx context.Context, connection grpc.ClientConnInterface) (map[string]any, error) {
	client := officialaccountv1.NewMemberServiceClient(connection)
	account := families["official_account"]
	query := &officialaccountv1.GetUserInfoRequest{
		Account: "accounts/" + account.account,
		CardId:  account.card,
		Code:    account.code,
	}
	before, err := client.GetUserInfo(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	_, err = client.UpdateUser(ctx, &officialaccountv1.UpdateUserRequest{
		Account:     query.GetAccount(),
		CardId:      query.CardId,
		Code:        query.Code,
		Bonus:       proto.Int64(before.GetBonus() + 30),
		RecordBonus: proto.String("签到"),
	})
	if err != nil {
		return nil, fmt.Errorf("update: %w", err)
	}
	after, err := client.GetUserInfo(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("get after the update: %w", err)
	}
	return map[string]any{"before": asJSON(before), "after": asJSON(after)}, nil
}
