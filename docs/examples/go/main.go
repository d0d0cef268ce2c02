// Command first-call reads and changes a member over gRPC, and tells errors apart by their reason.
//
//	go run . ADDRESS
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	kabaov1 "github.com/kabao-io/kabao/gen/go/kabao/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

const member = "accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665"

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go run . ADDRESS")
	}
	if err := firstCall(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func firstCall(address string) error {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	members := kabaov1.NewMemberServiceClient(connection)
	changed, err := members.UpdateMember(ctx, &kabaov1.UpdateMemberRequest{
		Member:     &kabaov1.Member{Name: member, Level: "黄金会员"},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"level"}},
	})
	if err != nil {
		return err
	}
	fmt.Println("level", changed.GetLevel())

	_, err = members.GetMember(ctx, &kabaov1.GetMemberRequest{Name: "accounts/nobody/templates/x/members/1"})
	fmt.Println("nobody:", reason(err))
	return nil
}

// reason is for programs; the text of the error is for people.
func reason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return status.Code(err).String()
}
