package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func put(t *testing.T, file, content string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestInstallsWholeFilesThatMayRun(t *testing.T) {
	from, node := t.TempDir(), filepath.Join(t.TempDir(), "plugins")
	self := put(t, filepath.Join(from, "provider"), "program")
	settings := put(t, filepath.Join(from, "provider.json"), "{}")
	var said bytes.Buffer
	if err := copyAll(node, self, []string{settings}, &said); err != nil {
		t.Fatal(err)
	}
	if text := said.String(); strings.Index(text, "provider.json") > strings.LastIndex(text, "provider\n") || strings.Count(text, "installed") != 2 {
		t.Error(text)
	}
	for name, mode := range map[string]os.FileMode{"provider": 0o755, "provider.json": 0o644} {
		state, err := os.Stat(filepath.Join(node, name))
		if err != nil || state.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, state, err)
		}
	}
	entries, _ := os.ReadDir(node)
	if len(entries) != 2 {
		t.Errorf("it leaves %v", entries)
	}
}

func TestInstallsAgainOnlyWhatDiffers(t *testing.T) {
	from, node := t.TempDir(), t.TempDir()
	self := put(t, filepath.Join(from, "provider"), "program")
	var said bytes.Buffer
	for range 2 {
		if err := copyAll(node, self, nil, &said); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Count(said.String(), "installed") != 1 {
		t.Error(said.String())
	}
	for name, spoil := range map[string]func(string) error{
		"content": func(file string) error { return os.WriteFile(file, []byte("other"), 0o755) },
		"mode":    func(file string) error { return os.Chmod(file, 0o600) },
		"absence": os.Remove,
	} {
		said.Reset()
		file := filepath.Join(node, "provider")
		if err := spoil(file); err != nil {
			t.Fatal(err)
		}
		if err := copyAll(node, self, nil, &said); err != nil || !strings.Contains(said.String(), "installed") {
			t.Errorf("%s: %q, %v", name, said.String(), err)
		}
	}
}

func TestInstallNamesWhatIsMissing(t *testing.T) {
	if err := install(context.Background(), nil, nil, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "needs -to") {
		t.Error(err)
	}
	err := install(context.Background(), []string{"-to", t.TempDir(), "/no/such.json"}, nil, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "such.json cannot be installed") {
		t.Error(err)
	}
}

func TestKeepEndsWhenItIsTold(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	var said bytes.Buffer
	node := t.TempDir()
	if err := install(ctx, []string{"-to", node, "-keep"}, nil, &said); err != nil || !strings.Contains(said.String(), "installed "+node) {
		t.Errorf("%q, %v", said.String(), err)
	}
}
