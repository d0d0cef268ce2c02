// Command interop calls the gateway as a Go service would: with stubs made by the
// stock generators, plain dialing, deadlines and status details.
//
//	interop ADDRESS CONTROL RUN
//
// CONTROL is the address of the sandbox's control API, which acts for users and reviewers.
// It prints what it saw as one JSON object. RUN makes the changes of this run
// recognisable.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: interop ADDRESS CONTROL RUN")
	}
	seen, err := run(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(seen); err != nil {
		log.Fatal(err)
	}
}

func run(address, control, run string) (map[string]any, error) {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	health, err := grpc_health_v1.NewHealthClient(connection).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		return nil, fmt.Errorf("health: %w", err)
	}
	portable, err := everyFamily(ctx, connection, run)
	if err != nil {
		return nil, err
	}
	balance, err := updateBalance(ctx, connection, run)
	if err != nil {
		return nil, fmt.Errorf("balance: %w", err)
	}
	benefits, err := updateBenefits(ctx, connection, run)
	if err != nil {
		return nil, fmt.Errorf("benefits: %w", err)
	}
	bonus, err := updateBonus(ctx, connection)
	if err != nil {
		return nil, fmt.Errorf("bonus: %w", err)
	}
	refusal, err := unknownAccount(ctx, connection)
	if err != nil {
		return nil, err
	}
	lives := map[string]any{}
	for family, live := range map[string]func(
		context.Context, grpc.ClientConnInterface, string, string,
	) (map[string]any, error){
		"merchant":         merchantLife,
		"brand":            brandLife,
		"official_account": officialAccountLife,
	} {
		if lives[family], err = live(ctx, connection, control, run); err != nil {
			return nil, fmt.Errorf("life of a %s card: %w", family, err)
		}
	}
	return map[string]any{
		"lives":    lives,
		"health":   health.GetStatus().String(),
		"portable": portable,
		"balance":  balance,
		"benefits": benefits,
		"bonus":    bonus,
		"refusal":  refusal,
	}, nil
}

// asJSON writes a message in the canonical JSON form of protobuf.
func asJSON(message proto.Message) json.RawMessage {
	return json.RawMessage(protojson.Format(message))
}
