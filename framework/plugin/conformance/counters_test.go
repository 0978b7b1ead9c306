package conformance

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/testplugins"
)

// broken says which check catches each of the plugins that break the protocol
// before they run.
var broken = map[string]string{
	"ahead":     "describe",
	"asleep":    "handshake",
	"exits":     "handshake",
	"misnamed":  "describe",
	"newer":     "handshake",
	"oversize":  "message-size",
	"prints":    "handshake",
	"schema":    "describe",
	"stateless": "run",
	"unended":   "run",
}

// poor are the checks that find fault with these as well: they are without the
// SDK, say next to nothing of themselves and validate nothing.
var poor = map[string][]string{
	"oversize":  {"describe", "describe-command", "bad-config"},
	"stateless": {"describe", "describe-command", "bad-config"},
	"unended":   {"describe", "describe-command", "bad-config"},
}

// struck are faults of the counter while it runs. Those that take resources, or
// hang, are for the host to end: their tests are in package host.
var struck = map[string]string{
	"error":    "run",
	"exit":     "run",
	"fork":     "run",
	"kill":     "run",
	"panic":    "run",
	"panic-go": "run",
	"huge":     "message-size",
	"missing":  "predict",
	"seedless": "same-seed",
}

// counter are the options for the counter, whose parameters have other names
// than the kit knows.
func counter(name, fault string) Options {
	return Options{Binary: testplugins.Path(counters, name), Start: 2 * time.Second,
		Params: map[string]any{"fault": fault}, Long: map[string]any{"steps": 1_000_000_000, "every": 1_000_000}}
}

func TestCounterAndChainConform(t *testing.T) {
	for _, name := range []string{testplugins.Counter, testplugins.Chain} {
		if r := try(t, counter(name, "")); len(failed(t, r)) > 0 {
			t.Error(text(r))
		}
	}
}

func TestFaultsOfTheCounterAreCaught(t *testing.T) {
	for _, name := range testplugins.Broken {
		if broken[name] == "" {
			t.Errorf("%s breaks the protocol, and no check is named for it", name)
		}
	}
	if os.Getenv("TUNELAB_LONG") == "" {
		return // a minute: make test-all
	}
	caught, all := 0, 0
	one := func(name, fault, want string) {
		t.Run(name+fault, func(t *testing.T) {
			all++
			r := try(t, counter(name, fault))
			got := slices.DeleteFunc(failed(t, r), func(c string) bool { return c != want && slices.Contains(poor[name], c) })
			if !slices.Equal(got, []string{want}) {
				t.Errorf("caught by %v, expected %q\n%s", got, want, text(r))
				return
			}
			caught++
		})
	}
	for name, want := range broken {
		one(name, "", want)
	}
	for fault, want := range struck {
		one(testplugins.Counter, fault, want)
	}
	testplugins.Tell(t, fmt.Sprintf("conformance: %d of %d faults of the test plugins caught", caught, all))
}
