package conformance

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write CHECKS.md anew")

// inProcess are the faults of the checks that package plugintest makes.
var inProcess = map[string]string{
	"unmerge-weights": "an adapter that subtracts its update again",
	"gradients":       "an adapter whose op has half the gradient",
	"goroutines":      "a method whose run starts a goroutine that waits for ever",
}

// CHECKS.md says what the code does, and names a plugin that shows each check.
func TestChecksAreDocumented(t *testing.T) {
	var b strings.Builder
	b.WriteString("# What a plugin must do\n\n" +
		"`tunelab plugin test BINARY`, or `plugintest.Run` in a method's Go tests, checks this, in this order. The names are stable: they stand in the report (`--json`), and `--waive NAME=REASON` takes them. " +
		"A check that cannot be made of a plugin is reported as not applicable, with the reason. Each is shown to catch a plugin made wrong for it: those in `faulty/` are caught by that check and by no other.\n\n" +
		"| check | a plugin does this | if it does not | shown by a plugin that |\n|---|---|---|---|\n")
	for _, c := range checks {
		var shown []string
		for _, f := range faults {
			if f.check == c.id {
				shown = append(shown, fmt.Sprintf("%s (`%s`)", f.does, f.name))
			}
		}
		if s := inProcess[c.id]; s != "" {
			shown = append(shown, s+" (`plugintest`)")
		}
		if len(shown) == 0 {
			t.Errorf("no plugin shows the check %s", c.id)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.id, c.about, c.advice, strings.Join(shown, "; "))
	}
	for _, f := range faults {
		if f.check != "" && !known(f.check) {
			t.Errorf("%s is to be caught by %q, which is no check", f.name, f.check)
		}
	}
	b.WriteString(notes)
	if *update {
		if err := os.WriteFile("CHECKS.md", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile("CHECKS.md")
	if err != nil || string(have) != b.String() {
		t.Errorf("CHECKS.md is not what the code says: go test ./framework/plugin/conformance -run Documented -update (%v)", err)
	}
}

const notes = `
## Notes

- The kit makes a tiny random model (two layers of 32) and tiny tasks of the kinds that the plugin claims. Where the schema has ` + "`max_steps`, `eval_every`, `batch_size`, `learning_rate`, `objective` or `merge`" + `, it sets them.
- **Chains**: every stage of a chain must leave a result that answers in a mode at least, claim what it trains, report its last step, follow the seed, and leave the base model, the data and the results of earlier stages as they were. ` + "`stop`, `resume`, `slow-reader`" + ` are tried on the last stage.
- **identity** allows a log-probability to differ by 1e-5, **merge** by 1e-3: the merged model adds the update before it multiplies, the adapter after it.
- **unmerge**: whoever merges on the way to the end of a run, to try whether it can or to measure the error, takes the weights apart again. So a run with ` + "`merge`" + ` must report the same metrics and save the same adapter as one without, bit for bit, and leave the base model's folder as it was. In Go, ` + "`unmerge-weights`" + ` also looks inside, at an adapter that has ` + "`Merge() error` and `Unmerge()`" + `: every weight and every logit comes back bit for bit.
- **Cache**: runs share a cache folder, as they do on a host; the second run of ` + "`same-seed`" + ` has an empty one, and so has every process that predicts.
- **checkpoint**: when a checkpoint arrives the kit copies its folder and removes it, as the host does. In one run it leaves the folders until the end, as a slow host would, and looks for changes.
- **nan** takes the largest learning rate and, if that does not lead out of range, a model with a weight that is not a number.
- **slow-reader** stops reading until the plugin uses no more CPU time, at most 10 s, and then demands every metric in order.
- **message-size** counts the bytes of predictions as compact JSON.
- **ports**, **parent-death** and **leftovers** look at processes in /proc, so that elsewhere than on Linux they say less.
- **unmerge-weights**, **gradients** and **goroutines** need the plugin's own process. For a plugin in Go ` + "`plugintest.Run` and `plugintest.RunAdapter`" + ` make them; of one in another language they are not applicable.
`

func TestNamesOfChecksAreUnique(t *testing.T) {
	var ids []string
	for _, c := range Checks() {
		ids = append(ids, c.ID)
		if c.About == "" || c.Advice == "" {
			t.Errorf("%s says nothing of what it demands or what to do", c.ID)
		}
	}
	if slices.Sort(ids); len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("a name is there twice: %v", ids)
	}
}
