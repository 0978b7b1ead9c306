package conformance

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/testplugins"
)

var binary, counters string // of the faulty plugins; folder of testplugins

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
	return testplugins.Main(m, &counters)
}

// fault is a plugin that is wrong in one way.
type fault struct {
	name  string
	check string // that catches it; "": nothing is wrong with it
	does  string
	o     Options
}

// faults of the plugins in faulty.
var faults = []fault{
	{name: "sound"},
	{name: "chain"},
	{name: "raw"},
	{name: "prints", check: "handshake", does: "prints to stdout before it serves"},
	{name: "unversioned", check: "describe", does: "has a version that is none, 01.0.0"},
	{name: "garbles", check: "describe-command", does: "answers `describe` with words"},
	{name: "silent", check: "describe-command", does: "has no command `describe`"},
	{name: "lax", check: "bad-config", does: "forgets the ranges of its parameters"},
	{name: "huge", check: "message-size", does: "sends a log line of 20 MiB"},
	{name: "lumps", check: "message-size", does: "sends all predictions in one message"},
	{name: "forks", check: "run", does: "leaves the run to a child and exits"},
	{name: "leans", check: "run", does: "writes into the folder of the checkpoint before, which the host has removed"},
	{name: "empty", check: "run", does: "finishes without a result"},
	{name: "stage-empty", check: "run", does: "the first stage of its chain finishes without a result"},
	{name: "last", check: "last-metric", does: "loses the last step's metrics"},
	{name: "deaf", check: "health", does: "answers no Health while it runs", o: Options{Answer: 300 * time.Millisecond}},
	{name: "peeks", check: "predict", does: "wants the training data to predict"},
	{name: "hoards", check: "predict", does: "keeps in the cache what it predicts with"},
	{name: "narrow", check: "tasks", does: "claims a kind of task that it cannot run"},
	{name: "seedless", check: "same-seed", does: "draws from the clock"},
	{name: "remembers", check: "same-seed", does: "draws from the clock, and keeps what it drew in the cache"},
	{name: "base", check: "base-unchanged", does: "writes into the base model's folder"},
	{name: "stage-spoils", check: "base-unchanged", does: "the second stage of its chain writes into the first one's result"},
	{name: "nan", check: "identity", does: "answers NaN for a log-probability of the untrained adapter"},
	{name: "shifts", check: "identity", does: "is not the base model at the start"},
	{name: "liar", check: "trainable-claim", does: "claims half of the parameters that it trains"},
	{name: "stage-lies", check: "trainable-claim", does: "the first stage of its chain claims half of the parameters that it trains"},
	{name: "merges-more", check: "merge", does: "changes a weight beside the merged ones"},
	{name: "unmerges-roughly", check: "unmerge", does: "rounds the weights that it takes apart again"},
	{name: "ignores-stop", check: "stop", does: "trains on after Stop", o: Options{Grace: 300 * time.Millisecond}},
	{name: "keeps-none", check: "checkpoint", does: "claims to resume and sends no checkpoint"},
	{name: "reuses", check: "checkpoint", does: "sends all checkpoints in one folder"},
	{name: "forgets", check: "resume", does: "goes on with another order of the data"},
	{name: "gaps", check: "slow-reader", does: "leaves out the metrics of each fiftieth step"},
	{name: "drops", check: "slow-reader", does: "drops metrics when its queue is full"},
	{name: "crashes", check: "nan", does: "exits when the loss diverges"},
	{name: "goes-on", check: "nan", does: "reports a loss of NaN to the end and finishes"},
	{name: "hides", check: "nan", does: "leaves out the numbers that are not finite and finishes"},
	{name: "mute", check: "nan", does: "fails without a diagnostic"},
	{name: "orphans", check: "parent-death", does: "leaves a child when the host dies"},
	{name: "listens", check: "ports", does: "opens a TCP port and leaves it open"},
	{name: "leaks", check: "leftovers", does: "leaves a child in a process group of its own"},
	{name: "litters", check: "leftovers", does: "leaves a temporary file"},
}

// quick are tried in every test run, the others with TUNELAB_LONG.
var quick = []string{"sound", "prints", "huge", "forks"}

func tried() []fault {
	if os.Getenv("TUNELAB_LONG") != "" {
		return faults
	}
	return slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !slices.Contains(quick, f.name) })
}

func TestEachFaultIsCaughtByItsCheck(t *testing.T) {
	caught, all := 0, 0
	for _, f := range tried() {
		t.Run(f.name, func(t *testing.T) {
			path := filepath.Join(filepath.Dir(binary), "tunelab-plugin-"+f.name)
			if err := os.Link(binary, path); err != nil {
				t.Fatal(err)
			}
			f.o.Binary = path
			r := try(t, f.o)
			got := failed(t, r)
			want := []string{f.check}
			if f.check == "" {
				want = nil
			} else {
				all++
			}
			if !slices.Equal(got, want) {
				t.Errorf("caught by %v, expected %q\n%s", got, f.check, text(r))
			} else if f.check != "" {
				caught++
			}
		})
	}
	testplugins.Tell(t, fmt.Sprintf("conformance: %d of %d faulty plugins caught by the check meant for them, and by no other", caught, all))
}

// try runs the kit, which must report every check.
func try(t *testing.T, o Options) *Report {
	t.Helper()
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Results) != len(checks) {
		t.Errorf("%d results of %d checks", len(r.Results), len(checks))
	}
	return r
}

// failed names the checks that failed; each must say what it found and what to
// do.
func failed(t *testing.T, r *Report) (out []string) {
	t.Helper()
	for _, f := range r.Failed() {
		out = append(out, f.Check)
		if f.Found == "" || f.Advice == "" {
			t.Errorf("%s says neither what it found nor what to do: %+v", f.Check, f)
		}
	}
	return out
}

func text(r *Report) string {
	var b bytes.Buffer
	r.Write(&b)
	return b.String()
}
