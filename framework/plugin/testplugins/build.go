package testplugins

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// The good methods: one run, a chain of two, one run of a method that takes 60 ms
// to serve and as long again to describe itself, and of one that says it needs
// protocol 1.1.
const (
	Counter = "counter"
	Chain   = "chain"
	Slow    = "slow"
	Asking  = "asking"
)

// Good lists them.
var Good = []string{Counter, Chain, Slow, Asking}

// Broken lists the names under which the binary breaks the protocol.
var Broken = []string{
	"ahead",     // needs a minor protocol that no host has
	"asleep",    // stops itself before the handshake
	"exits",     // ends with status 3 before the handshake
	"misnamed",  // describes itself as "other"
	"newer",     // speaks protocol 99
	"oversize",  // sends a message of 20 MiB
	"prints",    // prints to stdout before it serves
	"schema",    // its schema has another hash than its description says
	"stateless", // ends its run in a state that is none
	"unended",   // ends its run's stream without saying how
}

// Build compiles the plugins into the folder dir.
func Build(dir string) error {
	binary := filepath.Join(dir, "counter.bin")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", binary, "github.com/tunelab/tunelab/framework/plugin/testplugins/counter")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the test plugin: %w\n%s", err, out)
	}
	for _, name := range slices.Concat(Good, Broken) {
		if err := os.Symlink("counter.bin", filepath.Join(dir, "tunelab-plugin-"+name)); err != nil {
			return err
		}
	}
	return nil
}

// Main is a TestMain that builds the plugins into a folder, which it writes to
// dir, and removes them after the tests.
func Main(m *testing.M, dir *string) int {
	tmp, err := os.MkdirTemp("", "tunelab-test-plugins-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(tmp)
	if err := Build(tmp); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	*dir = tmp
	return m.Run()
}

// Path is the binary of one of the plugins in a folder of Build.
func Path(dir, name string) string { return filepath.Join(dir, "tunelab-plugin-"+name) }
