// The part of the kubelet that asks credential providers, by itself: its own plugin code behind one line of JSON for each pull.
//
//	program -config FILE -bin-dir FOLDER -api-server URL [-ca-file FILE -token-file FILE] <<<'{"namespace":"apps","serviceAccount":"web","image":"registry.example/images/web"}'
//
// Tokens and service accounts come from the API server, as the kubelet asks for them. What the kubelet would log goes to the
// standard error.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/credentialprovider/plugin"
)

type pull struct {
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`
	Pod            string `json:"pod"`
	PodUID         string `json:"podUid"`
	Image          string `json:"image"`
}

// What the kubelet would offer the container runtime, in its order.
type login struct {
	Username string `json:"username"`
	Password string `json:"password"`
	// Whose credential it is, as the kubelet remembers it with the image.
	ServiceAccount string `json:"serviceAccount,omitempty"`
}

func main() {
	klog.InitFlags(nil)
	config := flag.String("config", "", "the kubelet's --image-credential-provider-config")
	binDir := flag.String("bin-dir", "", "the kubelet's --image-credential-provider-bin-dir")
	url := flag.String("api-server", "", "URL of the API server")
	caFile := flag.String("ca-file", "", "the CA of the API server")
	tokenFile := flag.String("token-file", "", "the node's token before the API server")
	flag.Parse()
	api, err := newAPIServer(*url, *caFile, *tokenFile)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}

	getToken := func(namespace, name string, request *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
		answer := &authenticationv1.TokenRequest{}
		return answer, api.call(http.MethodPost, path(namespace, name)+"/token", request, answer)
	}
	getAccount := func(namespace, name string) (*corev1.ServiceAccount, error) {
		answer := &corev1.ServiceAccount{}
		return answer, api.call(http.MethodGet, path(namespace, name), nil, answer)
	}
	if err := plugin.RegisterCredentialProviderPlugins(*config, *binDir, getToken, getAccount); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}

	lines := bufio.NewScanner(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var wanted pull
		if err := json.Unmarshal(lines.Bytes(), &wanted); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		keyring := plugin.NewExternalCredentialProviderDockerKeyring(wanted.Namespace, wanted.Pod, wanted.PodUID, wanted.ServiceAccount)
		found, _ := keyring.Lookup(wanted.Image)
		logins := []login{}
		for _, each := range found {
			one := login{Username: each.Username, Password: each.Password}
			if each.Source != nil && each.Source.ServiceAccount != nil {
				one.ServiceAccount = each.Source.ServiceAccount.Namespace + "/" + each.Source.ServiceAccount.Name
			}
			logins = append(logins, one)
		}
		klog.Flush()
		if err := answers.Encode(logins); err != nil {
			os.Exit(1)
		}
	}
}

func path(namespace, name string) string {
	return "/api/v1/namespaces/" + namespace + "/serviceaccounts/" + name
}

type apiServer struct {
	url, token string
	client     *http.Client
}

func newAPIServer(url, caFile, tokenFile string) (*apiServer, error) {
	api := &apiServer{url: url, client: http.DefaultClient}
	if caFile == "" {
		return api, nil
	}
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	api.token = strings.TrimSpace(string(token))
	api.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	return api, nil
}

func (api *apiServer) call(method, path string, input, output any) error {
	body, err := json.Marshal(input)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, api.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if api.token != "" {
		request.Header.Set("Authorization", "Bearer "+api.token)
	}
	response, err := api.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		var status metav1.Status
		_ = json.NewDecoder(response.Body).Decode(&status)
		return fmt.Errorf("the API server answered %s to %s %s: %s", response.Status, method, path, status.Message)
	}
	return json.NewDecoder(response.Body).Decode(output)
}
