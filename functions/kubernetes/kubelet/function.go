package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	connectLimit = 10 * time.Second
	tryLimit     = 25 * time.Second
	// How long to wait before the one repetition, where the function does not say.
	usualWait = time.Second
)

// client asks one function, over TLS with the CA certificates of its entry, and through the proxy that the environment names.
type client struct {
	url  string
	http *http.Client
	wait func(context.Context, time.Duration) error
}

func newClient(each registry, folder string) (*client, error) {
	security := &tls.Config{MinVersion: tls.VersionTLS12}
	if each.CAFile != "" {
		file := fileBeside(folder, each.CAFile)
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("caFile cannot be read: %w", err)
		}
		security.RootCAs = x509.NewCertPool()
		if !security.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("caFile %s holds no certificate in PEM", file)
		}
	}
	return &client{
		url:  strings.TrimRight(each.Function, "/") + "/v1/generateCredentials",
		wait: sleep,
		http: &http.Client{
			Timeout: tryLimit,
			Transport: &http.Transport{
				Proxy:               http.ProxyFromEnvironment,
				DialContext:         (&net.Dialer{Timeout: connectLimit}).DialContext,
				TLSClientConfig:     security,
				TLSHandshakeTimeout: connectLimit,
				DisableKeepAlives:   true,
			},
			// The token is for this URL and no other.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// ask sends one request for credentials, and repeats it once where that may help.
func (to *client) ask(ctx context.Context, input mintInput, token string) (minted, error) {
	answer, pause, err := to.try(ctx, input, token)
	if err == nil || pause < 0 {
		return answer, err
	}
	if deadline, found := ctx.Deadline(); found && time.Until(deadline) < pause+connectLimit {
		return minted{}, fmt.Errorf("%w (it asks for a pause of %s, and the kubelet does not wait so long)", err, pause)
	}
	if to.wait(ctx, pause) != nil {
		return minted{}, err
	}
	answer, _, err = to.try(ctx, input, token)
	return answer, err
}

// try sends one request. The pause is negative where a repetition cannot help.
func (to *client) try(ctx context.Context, input mintInput, token string) (answer minted, pause time.Duration, err error) {
	body, err := json.Marshal(input)
	if err != nil {
		return minted{}, -1, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.url, bytes.NewReader(body))
	if err != nil {
		return minted{}, -1, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("User-Agent", "artifact-registry-credential-provider")
	response, err := to.http.Do(request)
	if err != nil {
		return minted{}, pauseAfter(err), unreachable(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, mebibyte))
	if err != nil {
		return minted{}, usualWait, unreachable(err)
	}
	if response.StatusCode == http.StatusOK {
		answer, err = readMinted(response.Header, content)
		return answer, -1, err
	}
	refused, retryable := readError(response, content)
	if !retryable {
		return minted{}, -1, refused
	}
	return minted{}, retryAfter(response.Header.Get("Retry-After")), refused
}

func readMinted(header http.Header, content []byte) (minted, error) {
	var answer minted
	// The decoder's errors may quote the password.
	if json.Unmarshal(content, &answer) != nil || answer.Password == "" || answer.AuthMethod != "basic" && answer.AuthMethod != "bearer" {
		return minted{}, errors.New("the function's answer holds no credentials: check that the URL is that of the function")
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		answer.answeredAt = date
	}
	return answer, nil
}

// failure is an error in the function's own form.
type failure struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	Hint      string `json:"hint"`
	RequestID string `json:"requestId"`
	Retryable bool   `json:"retryable"`
}

func readError(response *http.Response, content []byte) (refused error, retryable bool) {
	var said failure
	form, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if form != "application/json" || json.Unmarshal(content, &said) != nil || said.Code == "" {
		status := response.StatusCode
		busy := status == http.StatusTooManyRequests || status >= 500 && status != http.StatusNotImplemented
		return fmt.Errorf("the function's URL answered with status %d in an unknown form: something else may be listening there, or in front of it", status), busy
	}
	parts := []string{said.Code + ": " + said.Message}
	if said.Code == "AUTHENTICATION_ERROR" {
		parts = append(parts, "serviceAccountTokenAudience must be the audience of the cluster's issuer at the function.")
	}
	if said.Hint != "" {
		parts = append(parts, said.Hint)
	}
	if said.RequestID != "" {
		parts = append(parts, "(request "+said.RequestID+")")
	}
	return errors.New(strings.Join(parts, " ")), said.Retryable
}

// retryAfter reads the header in both of its forms (RFC 9110, 10.2.3).
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(date))
	}
	return usualWait
}

// pauseAfter is negative for what will be the same the next time.
func pauseAfter(err error) time.Duration {
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) || errors.Is(err, context.Canceled) {
		return -1
	}
	return usualWait
}

func unreachable(err error) error {
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return fmt.Errorf("the function's certificate is not trusted: %w; caFile names the CA certificates of an in-house CA, and a node may have none of its own", certificate.Err)
	}
	return fmt.Errorf("the function cannot be reached: %w", err)
}

func sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
