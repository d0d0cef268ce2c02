package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// bench reads one member over and over, as it is told on standard input:
//
//	run read IN_FLIGHT MILLISECONDS
//
// and answers `ran CALLS SECONDS`. The package tests/bench asks.
func bench(directory, address string) error {
	ctx := context.Background()
	connections, err := redirected(directory, address)
	if err != nil {
		return err
	}
	who, err := readAccount(directory, "demo-merchant")
	if err != nil {
		return err
	}
	client, err := publicKeyClient(ctx, who, connections)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for questions := bufio.NewScanner(os.Stdin); questions.Scan(); {
		var inFlight, milliseconds int
		if _, err := fmt.Sscanf(questions.Text(), "run read %d %d", &inFlight, &milliseconds); err != nil {
			return fmt.Errorf("%q: %w", questions.Text(), err)
		}
		started := time.Now()
		ends := started.Add(time.Duration(milliseconds) * time.Millisecond)
		var calls atomic.Int64
		var failed atomic.Pointer[error]
		var callers sync.WaitGroup
		for range inFlight {
			callers.Add(1)
			go func() {
				defer callers.Done()
				for time.Now().Before(ends) {
					if _, err := read(ctx, client, merchantCard+"/codes/"+code); err != nil {
						failed.Store(&err)
						return
					}
					calls.Add(1)
				}
			}()
		}
		callers.Wait()
		if err := failed.Load(); err != nil {
			return *err
		}
		fmt.Printf("ran %d %f\n", calls.Load(), time.Since(started).Seconds())
	}
	return nil
}
