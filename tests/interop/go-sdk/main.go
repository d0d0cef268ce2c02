// Command interop completes merchant and brand operations with wechatpay-go's own
// signing, verification and encryption.
//
//	interop SANDBOX_DIRECTORY HOST:PORT RUN
//	interop bench SANDBOX_DIRECTORY HOST:PORT
//
// It prints what it saw as one JSON object. RUN makes the request numbers of this run
// unique. With bench it makes one read over and over.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: interop SANDBOX_DIRECTORY HOST:PORT RUN")
	}
	if os.Args[1] == "bench" {
		if err := bench(os.Args[2], os.Args[3]); err != nil {
			log.Fatal(err)
		}
		return
	}
	seen, err := run(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(seen); err != nil {
		log.Fatal(err)
	}
}

func run(directory, address, run string) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	connections, err := redirected(directory, address)
	if err != nil {
		return nil, err
	}
	asMerchant, err := readAccount(directory, "demo-merchant")
	if err != nil {
		return nil, err
	}
	asBrand, err := readAccount(directory, "demo-brand")
	if err != nil {
		return nil, err
	}
	seen := map[string]any{}
	for _, part := range []struct {
		name string
		who  *account
		do   func(context.Context, *account, *http.Client, string) (any, error)
	}{
		{"merchant", asMerchant, merchant},
		{"certificates", asMerchant, certificates},
		{"refusal", asMerchant, refusal},
		{"upload", asBrand, upload},
		{"brand", asBrand, brand},
	} {
		if seen[part.name], err = part.do(ctx, part.who, connections, run); err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return seen, nil
}
