package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// story is the life of one card: calls to the gateway, and to the sandbox's control
// API for what users and reviewers do. After the first failure nothing more happens.
type story struct {
	ctx     context.Context
	control string
	account string
	seen    map[string]any
	err     error
}

func newStory(ctx context.Context, control, account string) *story {
	return &story{ctx: ctx, control: control, account: account, seen: map[string]any{}}
}

// name is the account as requests spell it.
func (s *story) name() string {
	return "accounts/" + s.account
}

// member is a member in the words of the portable API.
func (s *story) member(card, code string) string {
	return s.name() + "/templates/" + card + "/members/" + code
}

// end returns what was seen, by step.
func (s *story) end() (map[string]any, error) {
	return s.seen, s.err
}

// call makes one call and keeps its answer under the name of the step.
func call[Q, A proto.Message](
	s *story, step string, method func(context.Context, Q, ...grpc.CallOption) (A, error), request Q,
) A {
	var none A
	if s.err != nil {
		return none
	}
	answer, err := method(s.ctx, request)
	if err != nil {
		s.err = fmt.Errorf("%s: %w", step, err)
		return none
	}
	s.seen[step] = asJSON(answer)
	return answer
}

// approve lets WeChat's reviewers accept a template.
func (s *story) approve(card string) {
	s.act("/templates/approve", map[string]any{"account": s.account, "card_id": card})
}

// claim lets a user take a card that then waits for the merchant, and returns its code.
func (s *story) claim(card, openid string) string {
	member, _ := s.act("/cards/claim", map[string]any{
		"account": s.account, "card_id": card, "openid": openid, "activated": false,
	})["member"].(map[string]any)
	for _, name := range []string{"code", "user_card_code"} {
		if code, ok := member[name].(string); ok {
			return code
		}
	}
	if s.err == nil {
		s.err = fmt.Errorf("the claimed card has no code: %v", member)
	}
	return ""
}

// act orders something from the control API.
func (s *story) act(path string, order map[string]any) map[string]any {
	if s.err != nil {
		return nil
	}
	done, err := s.post(path, order)
	if err != nil {
		s.err = fmt.Errorf("POST %s: %w", path, err)
	}
	return done
}

func (s *story) post(path string, order map[string]any) (map[string]any, error) {
	body, err := json.Marshal(order)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(s.ctx, http.MethodPost, "http://"+s.control+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", response.Status, answer)
	}
	done := map[string]any{}
	return done, json.Unmarshal(answer, &done)
}
