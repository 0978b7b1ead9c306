package conformance

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

var binary string // of the faulty plugins

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tlf")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "faulty.bin")
	if out, err := exec.Command("go", "build", "-o", binary, "./faulty").CombinedOutput(); err != nil {
		os.Stderr.Write(out)
		return 1
	}
	return m.Run()
}

// faults says which check each plugin is caught by.
var faults = map[string]string{
	"sound":        "",
	"prints":       "handshake",
	"unversioned":  "describe",
	"garbles":      "describe-command",
	"lax":          "bad-config",
	"huge":         "message-size",
	"forks":        "run",
	"last":         "last-metric",
	"peeks":        "predict",
	"seedless":     "same-seed",
	"base":         "base-unchanged",
	"nan":          "identity",
	"shifts":       "identity",
	"liar":         "trainable-claim",
	"ignores-stop": "stop",
	"keeps-none":   "checkpoint",
	"forgets":      "resume",
	"gaps":         "slow-reader",
	"crashes":      "nan",
	"orphans":      "parent-death",
	"leaks":        "leftovers",
	"litters":      "leftovers",
}

// quick are tried in every test run, the others with TUNELAB_LONG.
var quick = []string{"sound", "prints", "huge", "forks"}

func TestEachFaultIsCaughtByItsCheck(t *testing.T) {
	names := quick
	if os.Getenv("TUNELAB_LONG") != "" {
		names = nil
		for name := range faults {
			names = append(names, name)
		}
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(filepath.Dir(binary), "tunelab-plugin-"+name)
			if err := os.Link(binary, path); err != nil {
				t.Fatal(err)
			}
			o := Options{Binary: path}
			if name == "ignores-stop" {
				o.Grace = 300 * time.Millisecond
			}
			r, err := Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			var caught []string
			for _, f := range r.Failed() {
				caught = append(caught, f.Check)
				if f.Found == "" || f.Advice == "" {
					t.Errorf("%s says neither what it found nor what to do: %+v", f.Check, f)
				}
			}
			want := faults[name]
			if want == "" && len(caught) > 0 || want != "" && (len(caught) != 1 || caught[0] != want) || len(r.Results) != len(checks) {
				var b bytes.Buffer
				r.Write(&b)
				t.Errorf("caught by %v, expected %q\n%s", caught, want, b.String())
			}
		})
	}
}
