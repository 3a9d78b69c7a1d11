package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The form that the kubelet's encoder writes (k8s.io/kubelet, pkg/apis/credentialprovider/v1).
func asked(text string) string {
	return `{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1",` + text + `}`
}

func written(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func entry(more string) string {
	return `{"images":"registry.example/acme","function":"https://f.example","registry":"images"` + more + `}`
}

func TestReadsARequest(t *testing.T) {
	got, err := readRequest(strings.NewReader(asked(`"image":"r.example/a","serviceAccountToken":"t","serviceAccountAnnotations":{"a":"b"}`)))
	if err != nil || got.Image != "r.example/a" || got.ServiceAccountToken != "t" {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestRefusesWhatIsNoRequestOfThisVersion(t *testing.T) {
	for text, why := range map[string]string{
		"":                          "run by the kubelet",
		`{"serviceAccountToken":"t`: "run by the kubelet",
		`{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1beta1"}`: "set apiVersion",
		`{"kind":"Pod","apiVersion":"credentialprovider.kubelet.k8s.io/v1"}`:                            "CredentialProviderRequest",
	} {
		if _, err := readRequest(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestReadsImages(t *testing.T) {
	for text, want := range map[string]image{
		"registry.example/a/b":                  {"registry.example", "a/b"},
		"Registry.Example:5000/a:1.0":           {"registry.example:5000", "a"},
		"registry.example/a@sha256:" + hex64:    {"registry.example", "a"},
		"[::1]:5000/a/b:v1@sha256:" + hex64:     {"[::1]:5000", "a/b"},
		"docker.io/library/nginx":               {"docker.io", "library/nginx"},
		"registry.example:5000/a.b/c_d:x.y-z_1": {"registry.example:5000", "a.b/c_d"},
	} {
		if got, err := parseImage(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "nginx", "/a", "registry.example/", "registry.example/a b", "r.example/a\nb"} {
		if got, err := parseImage(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

var hex64 = strings.Repeat("0", 64)

func TestChoosesTheLongestBeginning(t *testing.T) {
	file := written(t, `{"registries":[
		{"images":"registry.example","function":"https://f.example","registry":"all"},
		{"images":"REGISTRY.example/acme/images","function":"https://f.example","registry":"images"},
		{"images":"registry.example/acme","function":"https://f.example","registry":"acme"},
		{"images":"registry.example:5000","function":"https://f.example","registry":"port"}]}`)
	for text, want := range map[string]string{
		"registry.example/x":               "all",
		"registry.example/acme/x":          "acme",
		"registry.example/acme/images":     "images",
		"registry.example/acme/images-web": "images",
		"registry.example:5000/acme":       "port",
	} {
		got, _, err := choose(file, text)
		if err != nil || got.Registry != want {
			t.Errorf("%s: %s, %v", text, got.Registry, err)
		}
	}
	for _, text := range []string{"registry.example.evil.example/x", "evil.example/registry.example", "registry.example:443/x"} {
		if got, _, err := choose(file, text); err == nil || !strings.Contains(err.Error(), "no entry of") {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestRefusesAConfiguration(t *testing.T) {
	for content, why := range map[string]string{
		`{"registries":[]}`:                                                                        "names no registry",
		`{"registries":[` + entry("") + `]} {}`:                                                    "goes on after its end",
		`{"registries":[` + entry(`,"ttl":1`) + `]}`:                                               `unknown field "ttl"`,
		`{"registries":[{"function":"https://f.e"}]}`:                                              "registries[0]: images must be a host",
		`{"registries":[{"images":"r.example/*","function":"https://f.e","registry":"a"}]}`:        "no globs",
		`{"registries":[{"images":"https://r.example","function":"https://f.e","registry":"a"}]}`:  "images must be a host",
		`{"registries":[{"images":"r.example","function":"https://f.e"}]}`:                         "name of the registry",
		`{"registries":[{"images":"r.example","function":"http://f.e","registry":"a"}]}`:           "must be an https URL: with http everybody",
		`{"registries":[{"images":"r.example","function":"ftp://f.e","registry":"a"}]}`:            "must be an https URL",
		`{"registries":[{"images":"r.example","function":"https://u:p@f.e","registry":"a"}]}`:      "without a user",
		`{"registries":[{"images":"r.example","function":"https://f.e/?code=1","registry":"a"}]}`:  "without a user, a query",
		`{"registries":[` + strings.Replace(entry(`,"ttlSeconds":-1`), "https", "https", 1) + `]}`: "ttlSeconds must be positive",
	} {
		if _, err := readConfig(written(t, content)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", content, err)
		}
	}
	if _, err := readConfig(filepath.Join(t.TempDir(), "none.json")); err == nil || !strings.Contains(err.Error(), "none.json") {
		t.Error(err)
	}
	for _, url := range []string{"http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost"} {
		if err := (&registry{Images: "r.example", Registry: "a", Function: url}).check(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	if err := (&registry{Images: "r.example", Registry: "a", Function: "http://f.example", PlainHTTP: true}).check(); err != nil {
		t.Error(err)
	}
}

func TestAsksForOneRepository(t *testing.T) {
	for _, each := range []struct {
		registry registry
		image    string
		want     mintInput
	}{
		{registry{Registry: "images", TTLSeconds: 900}, "registry.example/acme/web",
			mintInput{Registry: "images", RepoID: "registry.example/acme/web", Permissions: "pull", TTLSeconds: 900}},
		{registry{Registry: "hub", RegistryHost: "registry-1.docker.io"}, "docker.io/acme/web",
			mintInput{Registry: "hub", RepoID: "registry-1.docker.io/acme/web", Permissions: "pull"}},
		{registry{Registry: "images"}, "123456789012.dkr.ecr.eu-west-1.amazonaws.com/images-web",
			mintInput{Registry: "images", RepoID: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/images-web", Permissions: "pull", Region: "eu-west-1"}},
		{registry{Registry: "images"}, "123456789012.dkr-ecr.us-east-2.on.aws/images-web",
			mintInput{Registry: "images", RepoID: "123456789012.dkr-ecr.us-east-2.on.aws/images-web", Permissions: "pull", Region: "us-east-2"}},
	} {
		of, err := parseImage(each.image)
		if got := each.registry.wanted(of); err != nil || got != each.want {
			t.Errorf("%s: %+v, %v", each.image, got, err)
		}
	}
}

func TestAnswersForThatImageAlone(t *testing.T) {
	now := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	text, err := (&registry{}).respond(image{"registry.example", "acme/web"},
		minted{AuthMethod: "basic", Username: "token", Password: "p", ExpiresAt: now.Add(time.Hour)}, now)
	if err != nil || !bytes.HasSuffix(text, []byte("\n")) {
		t.Fatal(err)
	}
	var got, want any
	if json.Unmarshal(text, &got) != nil || json.Unmarshal([]byte(`{"apiVersion":"credentialprovider.kubelet.k8s.io/v1",
		"kind":"CredentialProviderResponse","cacheKeyType":"Image","cacheDuration":"54m0s",
		"auth":{"registry.example/acme/web":{"username":"token","password":"p"}}}`), &want) != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s", text)
	}
}

func TestPresentsABearerWhereARegistryTakesItAsAPassword(t *testing.T) {
	bearer := minted{AuthMethod: "bearer", Password: "p"}
	for _, each := range []struct {
		host, user, want string
	}{
		{"acme.azurecr.io", "", acrTokenUser},
		{"acme.azurecr.cn", "", acrTokenUser},
		{"registry.example", "robot", "robot"},
		{"registry.example", "", ""},
		{"azurecr.io.evil.example", "", ""},
	} {
		text, err := (&registry{BearerUser: each.user}).respond(image{each.host, "a"}, bearer, time.Now())
		var got response
		_ = json.Unmarshal(text, &got)
		if user := got.Auth[each.host+"/a"].Username; user != each.want {
			t.Errorf("%s: %q", each.host, user)
		}
		if each.want == "" && (err == nil || !strings.Contains(err.Error(), "staticCredentials")) {
			t.Errorf("%s: %v", each.host, err)
		}
	}
}

func TestKeepsCredentialsNoLongerThanTheyLive(t *testing.T) {
	now := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	for _, each := range []struct {
		name     string
		left     time.Duration
		function time.Duration
		want     string
	}{
		{"an hour, less a tenth", time.Hour, 0, "54m0s"},
		{"five minutes, less a minute", 5 * time.Minute, 0, "4m0s"},
		{"half of what is short", 90 * time.Second, 0, "45s"},
		{"whole seconds", 3 * time.Second, 0, "1s"},
		{"nothing of what has ended", -time.Minute, 0, "0s"},
		{"by the function's clock, if the node's is slow", time.Hour, 30 * time.Minute, "27m0s"},
		{"by the node's clock, if it is fast", time.Hour, -time.Hour, "54m0s"},
	} {
		with := minted{ExpiresAt: now.Add(each.left), answeredAt: now.Add(each.function)}
		if got := cacheDuration(with, now); got != each.want {
			t.Errorf("%s: %s", each.name, got)
		}
	}
	for seconds := range 10_000 {
		left := time.Duration(seconds) * time.Second
		kept, err := time.ParseDuration(cacheDuration(minted{ExpiresAt: now.Add(left)}, now))
		if err != nil || kept < 0 || kept > left || left > 0 && kept == left {
			t.Fatalf("%s of %s: %v", kept, left, err)
		}
	}
	if got := cacheDuration(minted{}, now); got != "" {
		t.Errorf("what does not end: %s", got)
	}
}
