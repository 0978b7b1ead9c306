package plugintest

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/plugin/conformance"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune/tiny"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

// goroutines runs the method in this process and demands that no goroutine is
// left of the second run; the first may start what stays, such as an engine's
// threads. A goroutine has two seconds to end.
func goroutines(t testing.TB, factory func() sdk.Method, given map[string]any) error {
	d := factory().Describe()
	if len(d.Stages) > 0 {
		return conformance.DoesNotApply("a chain of stages is run by the binary alone")
	}
	folder, data := tunetest.Folder(t, checkpoint.Llama), dataFor(d.Tasks)
	run := func() error {
		_, err := tunetest.TryRun(t, factory(), folder, data, tunetest.Options{Params: given, Seed: 1})
		return err
	}
	if err := run(); errors.Is(err, sdk.ErrNoHost) {
		return conformance.DoesNotApply("it asks its host for features, and a run in this process has no host")
	} else if err != nil {
		return err
	}
	before := stacks()
	if err := run(); err != nil {
		return err
	}
	for end := time.Now().Add(2 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var left []string
		for id, stack := range stacks() {
			if before[id] == "" {
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("a run left %d goroutines, of which one is\n%s", len(left), left[0])
		}
	}
}

// stacks of the goroutines, by their number.
func stacks() map[string]string {
	raw := make([]byte, 1<<20)
	raw = raw[:runtime.Stack(raw, true)]
	out := map[string]string{}
	for s := range strings.SplitSeq(string(raw), "\n\n") {
		id, _, _ := strings.Cut(s, " [") // "goroutine 7 [chan receive]:"
		out[id] = s
	}
	return out
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
