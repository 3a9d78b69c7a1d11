package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// How often a DaemonSet's pod looks whether its files have changed, or those of the node.
const keepInterval = 30 * time.Second

// install copies this program and the files that are named to a folder of the node, whole or not at all: the kubelet may start
// the program at any moment. With -keep it goes on until it is told to stop, and copies again what differs.
func install(ctx context.Context, arguments []string, _ io.Reader, stdout io.Writer) error {
	flags := newFlags("install")
	folder := flags.String("to", "", "the folder of the kubelet's --image-credential-provider-bin-dir")
	keep := flags.Bool("keep", false, "copies again what differs, until it is told to stop")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	if *folder == "" {
		return errors.New("install needs -to, the folder of the kubelet's --image-credential-provider-bin-dir")
	}
	self, err := program()
	if err != nil {
		return err
	}
	for {
		err := copyAll(*folder, self, flags.Args(), stdout)
		if !*keep {
			return err
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "artifact-registry: %s\n", err)
		}
		if sleep(ctx, keepInterval) != nil {
			return nil
		}
	}
}

// copyAll copies the files first, so that the program never starts without its configuration.
func copyAll(folder, self string, files []string, stdout io.Writer) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("the folder cannot be made: %w", err)
	}
	for _, source := range append(append([]string{}, files...), self) {
		mode := fs.FileMode(0o644)
		if source == self {
			mode = 0o755
		}
		target := filepath.Join(folder, filepath.Base(source))
		changed, err := copyWhole(source, target, mode)
		if err != nil {
			return fmt.Errorf("%s cannot be installed: %w", target, err)
		}
		if changed {
			fmt.Fprintf(stdout, "installed %s\n", target)
		}
	}
	return nil
}

// copyWhole writes beside the target and renames. It changes nothing where the target is the same already.
func copyWhole(source, target string, mode fs.FileMode) (changed bool, err error) {
	content, err := os.ReadFile(source)
	if err != nil {
		return false, err
	}
	if old, err := os.ReadFile(target); err == nil && bytes.Equal(old, content) {
		if state, err := os.Stat(target); err == nil && state.Mode().Perm() == mode {
			return false, nil
		}
	}
	part, err := os.CreateTemp(filepath.Dir(target), ".artifact-registry-*")
	if err != nil {
		return false, err
	}
	defer os.Remove(part.Name())
	_, err = part.Write(content)
	err = errors.Join(err, part.Chmod(mode), part.Sync(), part.Close())
	if err != nil {
		return false, err
	}
	return true, os.Rename(part.Name(), target)
}
