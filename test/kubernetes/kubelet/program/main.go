// The part of the kubelet that asks credential providers, by itself: its own plugin code behind one line of JSON for each pull.
//
//	program -config FILE -bin-dir FOLDER -api-server URL <<<'{"namespace":"apps","serviceAccount":"web","image":"registry.example/images/web"}'
//
// Tokens and service accounts come from the API server, as the kubelet asks for them. What the kubelet would log goes to the
// standard error.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
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
	apiServer := flag.String("api-server", "", "URL of the API server")
	flag.Parse()

	getToken := func(namespace, name string, request *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
		answer := &authenticationv1.TokenRequest{}
		return answer, call(http.MethodPost, *apiServer+path(namespace, name)+"/token", request, answer)
	}
	getAccount := func(namespace, name string) (*corev1.ServiceAccount, error) {
		answer := &corev1.ServiceAccount{}
		return answer, call(http.MethodGet, *apiServer+path(namespace, name), nil, answer)
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

func call(method, url string, input, output any) error {
	body, err := json.Marshal(input)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		return fmt.Errorf("the API server answered %s to %s %s", response.Status, method, url)
	}
	return json.NewDecoder(response.Body).Decode(output)
}
