package peft

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// FuzzFolder: whatever an adapter folder holds, it loads, or it is refused and
// the model is left as it was; never with more memory than the files warrant.
func FuzzFolder(f *testing.F) {
	for _, name := range []string{"llama-default", "llama-patterns", "llama-dora", "llama-saved", "llama-bias-lora", "llama-layers"} {
		config, err := os.ReadFile(filepath.Join("testdata", name, ConfigFile))
		if err != nil {
			f.Fatal(err)
		}
		weights, err := os.ReadFile(filepath.Join("testdata", name, WeightsFile))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(config, weights)
		f.Add(config, weights[:len(weights)/2])
	}
	f.Add([]byte(`{"peft_type": "LORA", "r": 1000000000, "target_modules": "all-linear"}`), []byte(nil))
	f.Add([]byte(`{"peft_type": "LORA", "r": 4, "target_modules": ".*(a*)*b"}`), []byte(nil))
	f.Add([]byte(`{"peft_type": "LORA", "r": 4, "rank_pattern": {"q_proj": 999999999}, "target_modules": ["q_proj"]}`), []byte(nil))
	m := load(f, checkpoint.Llama)
	before := len(m.Params())
	f.Fuzz(func(t *testing.T, config, weights []byte) {
		dir := t.TempDir()
		for name, raw := range map[string][]byte{ConfigFile: config, WeightsFile: weights} {
			if err := os.WriteFile(filepath.Join(dir, name), raw, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var start, end runtime.MemStats
		runtime.ReadMemStats(&start)
		l, err := Load(m, dir)
		runtime.ReadMemStats(&end)
		if got, allowed := end.TotalAlloc-start.TotalAlloc, uint64(8<<20+400*(len(config)+len(weights))); got > allowed {
			t.Errorf("%d bytes made the reader allocate %d, allowed %d", len(config)+len(weights), got, allowed)
		}
		if err == nil {
			l.Detach()
		}
		for _, lin := range m.Linears() {
			if lin.Adapt != nil {
				t.Fatalf("module %s still carries an adapter; %v", lin.Name, err)
			}
		}
		if len(m.Params()) != before {
			t.Fatalf("the model has %d parameters, had %d; %v", len(m.Params()), before, err)
		}
	})
}
