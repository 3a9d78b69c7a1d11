// A credential provider of the kubelet (credentialprovider.kubelet.k8s.io/v1): the kubelet runs it for a pull, with the token of the
// pod's service account on the standard input, and it asks the function for credentials to pull that one repository. It writes
// nothing to disk, and neither a token nor a password to the standard error, which ends in the kubelet's log.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The kubelet gives a plugin one minute (plugin.go, ExecPlugin). What takes longer could not say why.
const timeLimit = 50 * time.Second

func main() {
	run := provide
	arguments := os.Args[1:]
	if len(arguments) > 0 && arguments[0] == "install" {
		run, arguments = install, arguments[1:]
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, arguments, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "artifact-registry: %s\n", err)
		os.Exit(1)
	}
}

// provide answers one request of the kubelet.
func provide(ctx context.Context, arguments []string, stdin io.Reader, stdout io.Writer) error {
	self, err := program()
	if err != nil {
		return err
	}
	flags := newFlags("")
	// Not .json: a kubelet whose configuration is a folder reads every such file in it.
	file := flags.String("config", self+".conf", "which function answers for which images")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q: there is the command install, and the option -config", flags.Arg(0))
	}
	asked, err := readRequest(stdin)
	if err != nil {
		return err
	}
	// From here on an error may hold what somebody else wrote.
	return scrubbed(asked.ServiceAccountToken, func() error {
		registry, image, err := choose(*file, asked.Image)
		if err != nil {
			return err
		}
		if asked.ServiceAccountToken == "" {
			return errors.New("the kubelet sent no token of a service account: the provider needs tokenAttributes in the " +
				"CredentialProviderConfig, and Kubernetes 1.34 or newer; a pod without a service account has none")
		}
		ctx, cancel := context.WithTimeout(ctx, timeLimit)
		defer cancel()
		client, err := newClient(registry, filepath.Dir(*file))
		if err != nil {
			return err
		}
		minted, err := client.ask(ctx, registry.wanted(image), asked.ServiceAccountToken)
		if err != nil {
			return err
		}
		answer, err := registry.respond(image, minted, time.Now())
		if err != nil {
			return err
		}
		_, err = stdout.Write(answer)
		return err
	})
}

// scrubbed runs something, and takes the token out of its error, should it be there.
func scrubbed(token string, work func() error) error {
	err := work()
	if err == nil {
		return nil
	}
	text := err.Error()
	if token != "" {
		text = strings.ReplaceAll(text, token, "[redacted]")
	}
	return errors.New(oneLine(text))
}

// oneLine makes a text fit for a log: no line breaks or other control characters, and no more than 2,000 characters.
func oneLine(text string) string {
	clean := strings.Map(func(each rune) rune {
		if each < ' ' || each == 0x7f {
			return ' '
		}
		return each
	}, text)
	if len(clean) > 2_000 {
		clean = strings.ToValidUTF8(clean[:2_000], "") + "..."
	}
	return clean
}

// program is the path under which this program was started. The kubelet starts it by its full path; without /proc, as in an empty
// root, nothing else tells it.
func program() (string, error) {
	if strings.Contains(os.Args[0], "/") {
		return filepath.Abs(os.Args[0])
	}
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("where this program is cannot be told, start it by its path: %w", err)
	}
	return path, nil
}

func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

func parse(flags *flag.FlagSet, arguments []string) error {
	err := flags.Parse(arguments)
	if errors.Is(err, flag.ErrHelp) {
		return errors.New("the kubelet runs this program: docs/kubernetes.md. -config FILE names its configuration; " +
			"install -to FOLDER [-keep] [FILE ...] copies it and these files to a node")
	}
	return err
}
