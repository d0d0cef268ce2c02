// Command repeat gives a member points once, however often it has to call.
//
//	go run ./repeat ADDRESS
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	kabaov1 "github.com/kabao-io/kabao/gen/go/kabao/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const member = "accounts/demo-official-account/templates/ph_gmt7cUVrlRk8swPwx7aDyF-pg/members/916679873278"

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go run ./repeat ADDRESS")
	}
	if err := repeat(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func repeat(address string) error {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	members := kabaov1.NewMemberServiceClient(connection)
	id := fmt.Sprint("order-", time.Now().UnixNano())
	first, err := add(ctx, members, id)
	if err != nil {
		return err
	}
	// As if the first answer had been lost.
	second, err := add(ctx, members, id)
	if err != nil {
		return err
	}
	fmt.Println("added", first.GetAfter()-first.GetBefore(), "points once:", first.GetAfter() == second.GetAfter())
	return nil
}

// add gives points once: the id is that of the order, and the same in every repeat.
func add(ctx context.Context, members kabaov1.MemberServiceClient, id string) (*kabaov1.AdjustPointsResponse, error) {
	request := &kabaov1.AdjustPointsRequest{
		Name:      member,
		Change:    &kabaov1.AdjustPointsRequest_Add{Add: 10},
		RequestId: id,
	}
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		var trailer metadata.MD
		attempt, cancel := context.WithTimeout(ctx, 10*time.Second)
		answer, err := members.AdjustPoints(attempt, request, grpc.Trailer(&trailer))
		cancel()
		switch status.Code(err) {
		case codes.Unavailable, codes.Aborted, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Unknown:
		default:
			return answer, err
		}
		select {
		case <-time.After(max(wait, told(trailer))):
		case <-ctx.Done():
			return nil, err // Ask ChangeService.GetChange what became of it.
		}
	}
}

// told is the delay that the gateway asks for, which is that of RetryInfo.
func told(trailer metadata.MD) time.Duration {
	delay, _ := time.ParseDuration(strings.Join(trailer.Get("grpc-retry-pushback-ms"), "") + "ms")
	return delay
}
