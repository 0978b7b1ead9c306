package plugintest

import (
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/plugin/conformance"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/tune"
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
	const why = "only an adapter's can be looked at: RunAdapter does"
	run(t, factory, first(o), map[string]error{"gradients": conformance.DoesNotApply(why), "unmerge-weights": conformance.DoesNotApply(why)})
}

// RunAdapter is Run for an adapter, with the checks of its gradients and of its
// weights after a merge.
func RunAdapter(t *testing.T, factory func() tune.Adapter, o ...Options) {
	t.Helper()
	opts := first(o)
	run(t, func() sdk.Method { return tune.Method(factory()) }, opts,
		map[string]error{"gradients": gradients(t, factory(), opts.Params), "unmerge-weights": unmerges(t, factory(), opts.Params)})
}

func first(o []Options) Options {
	if len(o) > 0 {
		return o[0]
	}
	return Options{}
}

func run(t *testing.T, factory func() sdk.Method, o Options, inside map[string]error) {
	t.Helper()
	m := factory()
	if o.Binary == "" {
		o.Binary = build(t, m.Describe().Name)
	}
	inside["goroutines"] = goroutines(t, factory, o.Params)
	maps.Copy(inside, o.Inside)
	o.Inside = inside
	r, err := conformance.Run(t.Context(), o.Options)
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

func build(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tunelab-plugin-"+name)
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the plugin in the test's folder, which must be its main package: %v\n%s", err, out)
	}
	return path
}
