package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const token = "header.payload.signature-of-a-test"

// served is a function that answers one response after the other, and a client for it whose pauses are written down.
func served(t *testing.T, answers ...http.HandlerFunc) (*client, *[]*http.Request, *[]time.Duration) {
	t.Helper()
	var requests []*http.Request
	var pauses []time.Duration
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		request.Body = io.NopCloser(strings.NewReader(string(body)))
		requests = append(requests, request)
		answers[min(len(requests), len(answers))-1](response, request)
	}))
	t.Cleanup(server.Close)
	to, err := newClient(registry{Function: server.URL + "/"}, "")
	if err != nil {
		t.Fatal(err)
	}
	to.wait = func(_ context.Context, pause time.Duration) error {
		pauses = append(pauses, pause)
		return nil
	}
	return to, &requests, &pauses
}

func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(response http.ResponseWriter, _ *http.Request) {
		response.Header().Set("Content-Type", "application/json")
		for index := 0; index < len(headers); index += 2 {
			response.Header().Set(headers[index], headers[index+1])
		}
		response.WriteHeader(status)
		_, _ = io.WriteString(response, body)
	}
}

var good = answer(200, `{"authMethod":"basic","username":"token","password":"p","expiresAt":"2026-12-01T10:00:00.123Z","scope":"repository"}`)

func TestPresentsTheTokenAsABearer(t *testing.T) {
	to, requests, _ := served(t, good)
	got, err := to.ask(context.Background(), mintInput{Registry: "images", RepoID: "r.example/a", Permissions: "pull"}, token)
	if err != nil || got.Password != "p" || got.answeredAt.IsZero() || !got.ExpiresAt.Equal(time.Date(2026, 12, 1, 10, 0, 0, 123e6, time.UTC)) {
		t.Fatalf("%+v, %v", got, err)
	}
	request := (*requests)[0]
	body, _ := io.ReadAll(request.Body)
	if request.Method != "POST" || request.URL.Path != "/v1/generateCredentials" || request.Header.Get("Authorization") != "Bearer "+token ||
		string(body) != `{"registry":"images","repoId":"r.example/a","permissions":"pull"}` {
		t.Errorf("%s %s %s", request.Method, request.URL, body)
	}
}

func TestRepeatsOnceWhatMayHelp(t *testing.T) {
	busy := answer(429, `{"code":"RATE_LIMIT_EXCEEDED","message":"Too much.","retryable":true}`, "Retry-After", "7")
	down := answer(503, "<html>", "Content-Type", "text/html")
	hangUp := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for _, each := range []struct {
		name  string
		first http.HandlerFunc
		pause time.Duration
	}{
		{"what asks for a pause", busy, 7 * time.Second},
		{"a gateway without a word", down, time.Second},
		{"a broken connection", hangUp, time.Second},
	} {
		to, requests, pauses := served(t, each.first, good)
		if got, err := to.ask(context.Background(), mintInput{}, token); err != nil || got.Password != "p" {
			t.Errorf("%s: %v", each.name, err)
		}
		if len(*requests) != 2 || len(*pauses) != 1 || (*pauses)[0] != each.pause {
			t.Errorf("%s: %d requests, pauses %v", each.name, len(*requests), *pauses)
		}
	}
	to, requests, _ := served(t, busy)
	if _, err := to.ask(context.Background(), mintInput{}, token); err == nil || len(*requests) != 2 {
		t.Errorf("a second refusal: %d requests, %v", len(*requests), err)
	}
}

func TestWaitsNoLongerThanTheKubelet(t *testing.T) {
	to, requests, pauses := served(t, answer(429, `{"code":"RATE_LIMIT_EXCEEDED","message":"Too much.","retryable":true}`, "Retry-After", "120"))
	ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
	defer cancel()
	_, err := to.ask(ctx, mintInput{}, token)
	if err == nil || !strings.Contains(err.Error(), "asks for a pause of 2m0s") || len(*requests) != 1 || len(*pauses) != 0 {
		t.Errorf("%d requests, %v", len(*requests), err)
	}
}

func TestDoesNotRepeatARefusal(t *testing.T) {
	for name, each := range map[string]struct {
		answer http.HandlerFunc
		says   []string
	}{
		"a stranger": {answer(403, `{"code":"ACCESS_DENIED","message":"No rule.","hint":"Add one.","requestId":"r-1","retryable":false}`),
			[]string{"ACCESS_DENIED: No rule. Add one. (request r-1)"}},
		"a token for others": {answer(401, `{"code":"AUTHENTICATION_ERROR","message":"No.","retryable":false}`),
			[]string{"serviceAccountTokenAudience"}},
		"another server":    {answer(404, "not here", "Content-Type", "text/plain"), []string{"status 404 in an unknown form"}},
		"a redirect":        {answer(302, "", "Location", "/elsewhere"), []string{"status 302 in an unknown form"}},
		"no credentials":    {answer(200, `{"ok":true}`), []string{"holds no credentials"}},
		"half of an answer": {answer(200, `{"authMethod":"basic","password":"a-password`), []string{"holds no credentials"}},
	} {
		to, requests, _ := served(t, each.answer)
		_, err := to.ask(context.Background(), mintInput{}, token)
		if err == nil || len(*requests) != 1 {
			t.Errorf("%s: %d requests, %v", name, len(*requests), err)
			continue
		}
		for _, text := range each.says {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if strings.Contains(err.Error(), "a-password") {
			t.Errorf("%s tells the password", name)
		}
	}
}

func TestNamesAnUntrustedCertificate(t *testing.T) {
	server := httptest.NewTLSServer(good)
	t.Cleanup(server.Close)
	server.Config.ErrorLog = nil
	to, err := newClient(registry{Function: server.URL}, "")
	if err != nil {
		t.Fatal(err)
	}
	to.wait = func(context.Context, time.Duration) error { return errors.New("it must not wait") }
	if _, err := to.ask(context.Background(), mintInput{}, token); err == nil || !strings.Contains(err.Error(), "caFile") {
		t.Error(err)
	}
}

func TestReadsCACertificates(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "ca.crt"), []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, why := range map[string]string{"ca.crt": "holds no certificate", "none.crt": "cannot be read"} {
		if _, err := newClient(registry{Function: "https://f.example", CAFile: file}, folder); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestTellsNoToken(t *testing.T) {
	err := scrubbed(token, func() error {
		return errors.New("somebody echoes " + token + "\nand more" + strings.Repeat("x", 3_000))
	})
	if text := err.Error(); strings.Contains(text, token) || strings.Contains(text, "\n") || len(text) > 2_010 || !strings.Contains(text, "[redacted] and more") {
		t.Error(text)
	}
}

func TestReadsBothFormsOfRetryAfter(t *testing.T) {
	if got := retryAfter("3"); got != 3*time.Second {
		t.Error(got)
	}
	if got := retryAfter(time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)); got < 50*time.Second || got > time.Minute {
		t.Error(got)
	}
	for _, text := range []string{"", "-1", "soon"} {
		if got := retryAfter(text); got != usualWait {
			t.Errorf("%q: %s", text, got)
		}
	}
}
