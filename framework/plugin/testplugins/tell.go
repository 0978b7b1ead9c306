package testplugins

import (
	"errors"
	"fmt"
	"os"
	"testing"
)

// Tell logs a line, such as how many faults of how many were caught, and
// appends it to the file that $TUNELAB_COUNTS names: make test-all prints that
// file at its end, where the logs of tests that pass are not seen.
func Tell(t testing.TB, line string) {
	t.Helper()
	t.Log(line)
	path := os.Getenv("TUNELAB_COUNTS")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = fmt.Fprintln(f, line)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Error(err)
	}
}
