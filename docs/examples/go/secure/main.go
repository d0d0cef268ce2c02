// Command secure reads a member through a gateway that wants to know who calls: over TLS, with a bearer token.
//
//	go run ./secure ADDRESS CA TOKEN_FILE
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	kabaov1 "github.com/kabao-io/kabao/gen/go/kabao/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

const member = "accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665"

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: go run ./secure ADDRESS CA TOKEN_FILE")
	}
	if err := secure(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}

func secure(address, ca, tokenFile string) error {
	connection, err := dial(address, ca, tokenFile)
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	found, err := kabaov1.NewMemberServiceClient(connection).GetMember(ctx, &kabaov1.GetMemberRequest{Name: member})
	if err != nil {
		return err
	}
	fmt.Println("known, and read:", found.GetState())
	return nil
}

// bearer shows a token with every call, and over TLS alone.
type bearer string

func (token bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(token)}, nil
}

func (bearer) RequireTransportSecurity() bool { return true }

func dial(address, ca, tokenFile string) (*grpc.ClientConn, error) {
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return nil, err
	}
	tls, err := credentials.NewClientTLSFromFile(ca, "")
	if err != nil {
		return nil, err
	}
	return grpc.NewClient(address, grpc.WithTransportCredentials(tls), grpc.WithPerRPCCredentials(bearer(token)))
}
