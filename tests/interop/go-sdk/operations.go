package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/url"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"
	"github.com/wechatpay-apiv3/wechatpay-go/services/fileuploader"
)

const (
	template = "pbLatjvWOibDc5-TBnbUk1pD12o0"
	code     = "478515832665"
	openid   = "obLatjnx9gnqzS4myYGmLZ7LgLBA"

	merchantCard = consts.WechatPayAPIServer + "/v3/marketing/membercard-open/cards/" + template
	family       = consts.WechatPayAPIServer + "/v3/brand/partner/card-member"
)

// merchant sends WeChat's own example of a user card update, and reads before and after.
func merchant(ctx context.Context, who *account, connections *http.Client, run string) (any, error) {
	client, err := publicKeyClient(ctx, who, connections)
	if err != nil {
		return nil, err
	}
	member := merchantCard + "/codes/" + code
	before, err := read(ctx, client, member)
	if err != nil {
		return nil, err
	}
	balance, _ := before["balance"].(float64)
	request := map[string]any{
		"level":             "黄金会员",
		"membership_number": "G" + run,
		"balance_information": map[string]any{
			"before_balance": balance,
			"balance":        balance + 100,
			"add_balance":    100,
		},
		"out_request_no": "go-sdk" + run,
	}
	var noContent any
	// A caller that lost the answer repeats the call with the same number.
	for range 2 {
		result, err := client.Patch(ctx, member, request)
		if err != nil {
			return nil, fmt.Errorf("update: %w", err)
		}
		noContent = withoutBody(result.Response)
	}
	after, err := read(ctx, client, member)
	return map[string]any{
		"before": before, "request": request, "no_content": noContent, "after": after,
	}, err
}

// withoutBody tells what an answer says of the body that it has not.
func withoutBody(answer *http.Response) any {
	return map[string]any{
		"status":           answer.StatusCode,
		"content-type":     answer.Header.Get("Content-Type"),
		"content-length":   answer.Header.Get("Content-Length"),
		"content-language": answer.Header.Get("Content-Language"),
	}
}

// certificates runs the same query, trusting downloaded certificates instead of the public key.
func certificates(ctx context.Context, who *account, connections *http.Client, _ string) (any, error) {
	client, serials, err := certificateClient(ctx, who, connections)
	if err != nil {
		return nil, err
	}
	member, err := read(ctx, client, merchantCard+"/codes/"+code)
	return map[string]any{"serials": serials, "member": member}, err
}

// refusal shows that a refusal arrives with WeChat's own code.
func refusal(ctx context.Context, who *account, connections *http.Client, _ string) (any, error) {
	client, err := publicKeyClient(ctx, who, connections)
	if err != nil {
		return nil, err
	}
	_, err = client.Get(ctx, merchantCard+"/codes/000000000000")
	var refused *core.APIError
	if !errors.As(err, &refused) {
		return nil, fmt.Errorf("a member that does not exist: %w", err)
	}
	return map[string]any{"status": refused.StatusCode, "code": refused.Code}, nil
}

// upload sends a picture with the SDK's uploader, which signs the part `meta`.
func upload(ctx context.Context, who *account, connections *http.Client, _ string) (any, error) {
	client, err := publicKeyClient(ctx, who, connections)
	if err != nil {
		return nil, err
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 8, 5))); err != nil {
		return nil, err
	}
	uploader := fileuploader.MarketingImageUploader{Client: client}
	answer, _, err := uploader.Upload(ctx, &picture, "card.png", "image/png")
	return answer, err
}

// userCard has the one field that travels encrypted.
type userCard struct {
	BrandID     *string `json:"brand_id,omitempty"`
	CardID      *string `json:"card_id,omitempty"`
	OpenID      *string `json:"openid,omitempty"`
	Level       *string `json:"level,omitempty"`
	PhoneNumber *string `json:"phone_number,omitempty" encryption:"EM_APIV3"`
}

// brand changes a service provider's template and member, with a phone number encrypted both ways.
func brand(ctx context.Context, who *account, connections *http.Client, run string) (any, error) {
	client, err := publicKeyClient(ctx, who, connections)
	if err != nil {
		return nil, err
	}
	card := family + "/cards/" + template
	query := card + "?brand_id=" + who.BrandID
	before, err := read(ctx, client, query)
	if err != nil {
		return nil, err
	}
	benefits := map[string]any{"brand_id": who.BrandID, "benefits": "go-sdk" + run}
	if _, err := client.Patch(ctx, card, benefits); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	after, err := read(ctx, client, query)
	if err != nil {
		return nil, err
	}
	phone := "138" + run
	member, err := changePhone(ctx, client, who, phone)
	if err != nil {
		return nil, fmt.Errorf("member: %w", err)
	}
	result, err := client.Post(ctx, card+"/invalidate", map[string]any{"brand_id": who.BrandID})
	if err != nil {
		return nil, fmt.Errorf("invalidate: %w", err)
	}
	invalidated := map[string]any{}
	err = core.UnMarshalResponse(result.Response, &invalidated)
	return map[string]any{
		"before":      before,
		"after":       after,
		"member":      member,
		"phone":       phone,
		"invalidated": invalidated,
	}, err
}

// changePhone sends a phone number encrypted for WeChat Pay, and decrypts what comes back.
func changePhone(ctx context.Context, client *core.Client, who *account, phone string) (*userCard, error) {
	member := family + "/user-cards/" + code
	change := &userCard{
		BrandID:     core.String(who.BrandID),
		CardID:      core.String(template),
		OpenID:      core.String(openid),
		Level:       core.String("Gold"),
		PhoneNumber: core.String(phone),
	}
	serial, err := client.EncryptRequest(ctx, change)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	header.Set(consts.WechatPaySerial, serial)
	_, err = client.Request(ctx, http.MethodPatch, member, header, nil, change, consts.ApplicationJSON)
	if err != nil {
		return nil, err
	}
	owner := url.Values{"brand_id": {who.BrandID}, "card_id": {template}, "openid": {openid}}
	result, err := client.Get(ctx, member+"?"+owner.Encode())
	if err != nil {
		return nil, err
	}
	found := &userCard{}
	if err := core.UnMarshalResponse(result.Response, found); err != nil {
		return nil, err
	}
	return found, client.DecryptResponse(ctx, found)
}

func read(ctx context.Context, client *core.Client, address string) (map[string]any, error) {
	result, err := client.Get(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	seen := map[string]any{}
	return seen, core.UnMarshalResponse(result.Response, &seen)
}
