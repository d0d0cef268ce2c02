package main

import (
	"context"
	"fmt"

	kabaov1 "github.com/kabao-io/kabao/gen/go/kabao/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// family is one account of the demo data and what can be changed there.
type family struct {
	account string
	card    string
	code    string
	openid  string // needed by brand only
	member  func(name, run string) (*kabaov1.Member, string)
}

var families = map[string]family{
	"merchant": {
		account: "demo-merchant",
		card:    "pbLatjvWOibDc5-TBnbUk1pD12o0",
		code:    "478515832665",
		member:  withLevel,
	},
	"brand": {
		account: "demo-brand",
		card:    "pbLatjvWOibDc5-TBnbUk1pD12o0",
		code:    "478515832665",
		openid:  "obLatjnx9gnqzS4myYGmLZ7LgLBA",
		member:  withLevel,
	},
	"official_account": {
		account: "demo-official-account",
		card:    "ph_gmt7cUVrlRk8swPwx7aDyF-pg",
		code:    "916679873278",
		member:  withPicture,
	},
}

func withLevel(name, run string) (*kabaov1.Member, string) {
	return &kabaov1.Member{Name: name, Level: "L" + run[len(run)-4:]}, "level"
}

func withPicture(name, run string) (*kabaov1.Member, string) {
	return &kabaov1.Member{
		Name:                 name,
		BackgroundPictureUrl: "https://mmbiz.qlogo.cn/mmbiz/" + run + "/0",
	}, "background_picture_url"
}

// everyFamily reads and changes a template and a member of each family with the
// same code.
func everyFamily(ctx context.Context, connection grpc.ClientConnInterface, run string) (map[string]any, error) {
	seen := map[string]any{}
	for name, family := range families {
		template, err := family.template(ctx, kabaov1.NewTemplateServiceClient(connection), run)
		if err != nil {
			return nil, fmt.Errorf("%s template: %w", name, err)
		}
		member, err := family.memberCard(ctx, kabaov1.NewMemberServiceClient(connection), run)
		if err != nil {
			return nil, fmt.Errorf("%s member: %w", name, err)
		}
		seen[name] = map[string]any{"template": template, "member": member}
	}
	return seen, nil
}

func (f family) template(ctx context.Context, client kabaov1.TemplateServiceClient, run string) (map[string]any, error) {
	name := fmt.Sprintf("accounts/%s/templates/%s", f.account, f.card)
	before, err := client.GetTemplate(ctx, &kabaov1.GetTemplateRequest{Name: name})
	if err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	changed, err := client.UpdateTemplate(ctx, &kabaov1.UpdateTemplateRequest{
		Template:   &kabaov1.Template{Name: name, ServicePhone: "020-" + run},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"service_phone"}},
		RequestId:  "t-" + f.account + "-" + run,
	})
	if err != nil {
		return nil, fmt.Errorf("update: %w", err)
	}
	after, err := client.GetTemplate(ctx, &kabaov1.GetTemplateRequest{Name: name})
	if err != nil {
		return nil, fmt.Errorf("get after the update: %w", err)
	}
	return map[string]any{"before": asJSON(before), "changed": asJSON(changed), "after": asJSON(after)}, nil
}

func (f family) memberCard(ctx context.Context, client kabaov1.MemberServiceClient, run string) (map[string]any, error) {
	name := fmt.Sprintf("accounts/%s/templates/%s/members/%s", f.account, f.card, f.code)
	before, err := client.GetMember(ctx, &kabaov1.GetMemberRequest{Name: name, Openid: f.openid})
	if err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	member, path := f.member(name, run)
	changed, err := client.UpdateMember(ctx, &kabaov1.UpdateMemberRequest{
		Member:     member,
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{path}},
		RequestId:  "m-" + f.account + "-" + run,
		Openid:     f.openid,
	})
	if err != nil {
		return nil, fmt.Errorf("update: %w", err)
	}
	after, err := client.GetMember(ctx, &kabaov1.GetMemberRequest{Name: name, Openid: f.openid})
	if err != nil {
		return nil, fmt.Errorf("get after the update: %w", err)
	}
	return map[string]any{"before": asJSON(before), "changed": asJSON(changed), "after": asJSON(after)}, nil
}

// unknownAccount shows what a program can read from a refusal.
func unknownAccount(ctx context.Context, connection grpc.ClientConnInterface) (map[string]any, error) {
	_, err := kabaov1.NewTemplateServiceClient(connection).GetTemplate(ctx, &kabaov1.GetTemplateRequest{
		Name: "accounts/nobody/templates/none",
	})
	if err == nil {
		return nil, fmt.Errorf("an unknown account has a template")
	}
	refused := status.Convert(err)
	// The number on the wire: languages spell the names of codes in their own way.
	seen := map[string]any{"code": uint32(refused.Code())}
	for _, detail := range refused.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			seen["reason"] = detail.GetReason()
			seen["domain"] = detail.GetDomain()
		case *errdetails.RequestInfo:
			seen["request_id"] = detail.GetRequestId()
		}
	}
	return seen, nil
}
