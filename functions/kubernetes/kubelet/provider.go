package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Only this version knows tokens of service accounts.
const apiVersion = "credentialprovider.kubelet.k8s.io/v1"

// The user name under which Azure Container Registry takes an access token as the password (Azure/acr, AAD-OAuth).
const acrTokenUser = "00000000-0000-0000-0000-000000000000"

const mebibyte = 1 << 20

// request is as much of a CredentialProviderRequest as is needed (k8s.io/kubelet, pkg/apis/credentialprovider/v1).
type request struct {
	APIVersion          string `json:"apiVersion"`
	Kind                string `json:"kind"`
	Image               string `json:"image"`
	ServiceAccountToken string `json:"serviceAccountToken"`
}

type response struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Image: no other image may be pulled with the credentials of this one.
	CacheKeyType string `json:"cacheKeyType"`
	// Absent, if the credentials do not end: then the kubelet's defaultCacheDuration counts.
	CacheDuration string           `json:"cacheDuration,omitempty"`
	Auth          map[string]login `json:"auth"`
}

type login struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// config is the file that tells which function answers for which images.
type config struct {
	Registries []registry `json:"registries"`
}

// registry is one registry of a function, by the images that it holds.
type registry struct {
	// Images begin with this, as host[:port] or host[:port]/path. It means what it means in the kubelet's matchImages, without
	// globs. The longest one counts.
	Images string `json:"images"`
	// URL of the function, without /v1.
	Function string `json:"function"`
	// The registry's name at the function.
	Registry string `json:"registry"`
	// How long credentials shall live. Default: the function's.
	TTLSeconds int `json:"ttlSeconds,omitempty"`
	// CA certificates (PEM) that are trusted instead of the node's. A relative path begins at the configuration's folder.
	CAFile string `json:"caFile,omitempty"`
	// The host under which the function knows the registry, where images name another (docker.io).
	RegistryHost string `json:"registryHost,omitempty"`
	// The user name under which the registry takes a bearer token as the password. Default: that of Azure Container Registry
	// under Azure's own hosts.
	BearerUser string `json:"bearerUser,omitempty"`
	// Accepts a function over http, where everybody on the way reads tokens and passwords.
	PlainHTTP bool `json:"plainHttp,omitempty"`
}

// image is the repository of an image, without tag and digest.
type image struct{ host, path string }

func (each image) String() string { return each.host + "/" + each.path }

func readRequest(stdin io.Reader) (request, error) {
	var asked request
	// The decoder's errors quote what they read.
	if err := json.NewDecoder(io.LimitReader(stdin, mebibyte)).Decode(&asked); err != nil {
		return request{}, errors.New("the standard input holds no CredentialProviderRequest: this program is run by the kubelet")
	}
	if asked.Kind != "CredentialProviderRequest" || asked.APIVersion != apiVersion {
		return request{}, fmt.Errorf("the kubelet asks in the form %s %s, and this program knows CredentialProviderRequest %s: set apiVersion in the CredentialProviderConfig",
			quoted(asked.Kind), quoted(asked.APIVersion), apiVersion)
	}
	return asked, nil
}

// choose finds the registry for an image: the entry with the longest beginning.
func choose(file, reference string) (registry, image, error) {
	wanted, err := parseImage(reference)
	if err != nil {
		return registry{}, image{}, err
	}
	known, err := readConfig(file)
	if err != nil {
		return registry{}, image{}, err
	}
	var found *registry
	for index := range known.Registries {
		each := &known.Registries[index]
		if each.holds(wanted) && (found == nil || len(each.Images) > len(found.Images)) {
			found = each
		}
	}
	if found == nil {
		return registry{}, image{}, fmt.Errorf("no entry of %s is for %s: add one, or take the image out of matchImages in the CredentialProviderConfig", file, wanted)
	}
	return *found, wanted, nil
}

// parseImage takes tag and digest away, which the kubelet has done already.
func parseImage(reference string) (image, error) {
	name, _, _ := strings.Cut(reference, "@")
	host, path, found := strings.Cut(name, "/")
	if colon := strings.LastIndex(path, ":"); colon > strings.LastIndex(path, "/") {
		path = path[:colon]
	}
	if !found || host == "" || path == "" || strings.ContainsAny(name, " \t\r\n\"\\") {
		return image{}, fmt.Errorf("%s is no image with a host", quoted(reference))
	}
	return image{strings.ToLower(host), path}, nil
}

func (each *registry) holds(wanted image) bool {
	host, path, _ := strings.Cut(each.Images, "/")
	return strings.EqualFold(host, wanted.host) && strings.HasPrefix(wanted.path, path)
}

func readConfig(file string) (config, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return config{}, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	var known config
	decoder := json.NewDecoder(strings.NewReader(string(content)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&known); err != nil {
		return config{}, fmt.Errorf("%s is not understood: %w", file, err)
	}
	if decoder.More() {
		return config{}, fmt.Errorf("%s goes on after its end", file)
	}
	if len(known.Registries) == 0 {
		return config{}, fmt.Errorf("%s names no registry", file)
	}
	for index, each := range known.Registries {
		if err := each.check(); err != nil {
			return config{}, fmt.Errorf("%s, registries[%d]: %w", file, index, err)
		}
	}
	return known, nil
}

func (each *registry) check() error {
	host, _, _ := strings.Cut(each.Images, "/")
	if host == "" || strings.Contains(each.Images, "://") {
		return errors.New("images must be a host, or a host and the beginning of a path, as registry.example/acme")
	}
	if strings.Contains(each.Images, "*") {
		return errors.New("images knows no globs: write one entry for each host, and the beginning of a path without an asterisk")
	}
	if each.Registry == "" {
		return errors.New("registry must be the name of the registry at the function")
	}
	if each.TTLSeconds < 0 {
		return errors.New("ttlSeconds must be positive")
	}
	target, err := url.Parse(each.Function)
	if err != nil || target.Host == "" || target.User != nil || target.RawQuery != "" || target.Fragment != "" {
		return errors.New("function must be the URL of the function, without a user, a query or a fragment")
	}
	switch {
	case target.Scheme == "https":
	case target.Scheme == "http" && (each.PlainHTTP || isLoopback(target.Hostname())):
	case target.Scheme == "http":
		return errors.New("function must be an https URL: with http everybody on the way can read tokens and passwords; set plainHttp to accept that")
	default:
		return errors.New("function must be an https URL")
	}
	return nil
}

func isLoopback(host string) bool {
	address := net.ParseIP(host)
	return host == "localhost" || address != nil && address.IsLoopback()
}

// mintInput is the input of generateCredentials.
type mintInput struct {
	Registry    string `json:"registry"`
	RepoID      string `json:"repoId"`
	Permissions string `json:"permissions"`
	TTLSeconds  int    `json:"ttlSeconds,omitempty"`
	Region      string `json:"region,omitempty"`
}

// An account's private registry on Amazon ECR (user guide, "Private registries"). Its tokens are for one region.
var ecrHost = regexp.MustCompile(`^\d{12}\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.`)

// wanted names the repository by its URI, so that the function refuses what is on no host of the registry.
func (each *registry) wanted(of image) mintInput {
	host := of.host
	if each.RegistryHost != "" {
		host = each.RegistryHost
	}
	input := mintInput{Registry: each.Registry, RepoID: host + "/" + of.path, Permissions: "pull", TTLSeconds: each.TTLSeconds}
	if region := ecrHost.FindStringSubmatch(host); region != nil {
		input.Region = region[1]
	}
	return input
}

// minted is what generateCredentials answered, and when, by the function's clock.
type minted struct {
	AuthMethod string    `json:"authMethod"`
	Username   string    `json:"username"`
	Password   string    `json:"password"`
	ExpiresAt  time.Time `json:"expiresAt"`
	answeredAt time.Time
}

// respond writes the CredentialProviderResponse.
func (each *registry) respond(of image, with minted, now time.Time) ([]byte, error) {
	username := with.Username
	if with.AuthMethod == "bearer" {
		if username = each.bearerUser(of.host); username == "" {
			return nil, fmt.Errorf("%s takes a bearer token, and a node can only send a user name and a password: give the registry's binding "+
				"static accounts (staticCredentials), or, if the registry takes a token as the password of some user, set bearerUser in the configuration", of.host)
		}
	}
	answer := response{
		APIVersion:    apiVersion,
		Kind:          "CredentialProviderResponse",
		CacheKeyType:  "Image",
		CacheDuration: cacheDuration(with, now),
		Auth:          map[string]login{of.String(): {Username: username, Password: with.Password}},
	}
	text, err := json.Marshal(answer)
	if err != nil {
		// It cannot be: and the error may hold the password.
		return nil, errors.New("the answer cannot be written as JSON")
	}
	return append(text, '\n'), nil
}

func (each *registry) bearerUser(host string) string {
	if each.BearerUser != "" {
		return each.BearerUser
	}
	for _, domain := range []string{".azurecr.io", ".azurecr.cn", ".azurecr.us"} {
		if strings.HasSuffix(host, domain) {
			return acrTokenUser
		}
	}
	return ""
}

// cacheDuration tells how long the kubelet may keep credentials: until they end, less a tenth of the time, a minute at least and
// half of it at most, so that a pull that begins with kept ones can finish. Where the clocks of node and function differ, the
// shorter time counts. What has ended is not kept.
func cacheDuration(with minted, now time.Time) string {
	if with.ExpiresAt.IsZero() {
		return ""
	}
	left := with.ExpiresAt.Sub(now)
	if !with.answeredAt.IsZero() {
		left = min(left, with.ExpiresAt.Sub(with.answeredAt))
	}
	margin := min(max(left/10, time.Minute), left/2)
	return max(0, left-margin).Truncate(time.Second).String()
}

func quoted(text string) string {
	if len(text) > 200 {
		text = text[:200] + "..."
	}
	return fmt.Sprintf("%q", text)
}

// fileBeside resolves a path of the configuration.
func fileBeside(folder, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}
