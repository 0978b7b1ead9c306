package plugintest

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/plugin/conformance"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tiny"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

// Options of Run; the zero value builds the package that is tested.
type Options struct {
	conformance.Options
}

// Run makes every check of a method. It builds the main package in the test's
// folder, unless Options name a Binary. The test must not run in parallel with
// others (conformance.Run sets TMPDIR).
func Run(t *testing.T, factory func() sdk.Method, o ...Options) {
	t.Helper()
	var opts Options
	if len(o) > 0 {
		opts = o[0]
	}
	m := factory()
	if opts.Binary == "" {
		opts.Binary = build(t, m.Describe().Name)
	}
	t.Run("goroutines", func(t *testing.T) { goroutines(t, factory, opts.Params) })
	r, err := conformance.Run(t.Context(), opts.Options)
	if err != nil {
		t.Fatal(err)
	}
	if r.Method != m.Describe().Name {
		t.Errorf("the binary is the method %q, the factory makes %q", r.Method, m.Describe().Name)
	}
	var b strings.Builder
	r.Write(&b)
	if len(r.Failed()) > 0 {
		t.Error(b.String())
	} else {
		t.Log(b.String())
	}
}

// RunAdapter is Run for an adapter, with the check of its gradients.
func RunAdapter(t *testing.T, factory func() tune.Adapter, o ...Options) {
	t.Helper()
	t.Run("gradients", func(t *testing.T) { Gradients(t, factory(), params(o)) })
	Run(t, func() sdk.Method { return tune.Method(factory()) }, o...)
}

func params(o []Options) map[string]any {
	if len(o) > 0 {
		return o[0].Params
	}
	return nil
}

func build(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tunelab-plugin-"+name)
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the plugin in the test's folder, which must be its main package: %v\n%s", err, out)
	}
	return path
}

// goroutines runs the method in this process and demands that as many
// goroutines are left as there were before the second run; the first may start
// what stays, such as an engine's threads.
func goroutines(t *testing.T, factory func() sdk.Method, given map[string]any) {
	m := factory()
	d := m.Describe()
	if len(d.Stages) > 0 {
		t.Log("not applicable: a chain of stages is run by the binary alone")
		return
	}
	folder := tunetest.Folder(t, checkpoint.Llama)
	data := dataFor(d.Tasks)
	tunetest.Run(t, m, folder, data, tunetest.Options{Params: given, Seed: 1})
	before := runtime.NumGoroutine()
	tunetest.Run(t, factory(), folder, data, tunetest.Options{Params: given, Seed: 1})
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			stack := make([]byte, 1<<16)
			t.Fatalf("a run left goroutines: %d before, %d after\n%s", before, runtime.NumGoroutine(), stack[:runtime.Stack(stack, true)])
		}
	}
}

func dataFor(kinds []string) tiny.Data {
	if len(kinds) == 0 {
		return tiny.Classification()
	}
	switch kinds[0] {
	case spec.Classification:
		return tiny.Classification()
	case spec.Preference:
		return tiny.Preference()
	}
	d := tiny.Completion(kinds[0])
	for i := range d.Train {
		d.Train[i].Reasoning = "One more. The answer is " + d.Train[i].Answer + "."
	}
	return d
}
