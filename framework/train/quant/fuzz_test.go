package quant

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/tunelab/tunelab/framework/compute/cpu"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/model"
)

// loadAny loads a decoder or an encoder.
func loadAny(dir string, e *cpu.Engine) (free func(), err error) {
	is, err := encoder.In(dir)
	if err != nil {
		return nil, err
	}
	if is {
		m, err := encoder.Load(dir, e, encoder.Options{Frozen: true})
		if err != nil {
			return nil, err
		}
		return m.Free, nil
	}
	m, err := model.Load(dir, e, model.Options{Frozen: true})
	if err != nil {
		return nil, err
	}
	return m.Free, nil
}

// FuzzFolder: whatever a folder in NF4 holds, it loads or is refused, and leaves
// nothing behind; neither Go's memory nor the engine's is more than the files
// warrant.
func FuzzFolder(f *testing.F) {
	for _, name := range []string{"llama-nf4", "gpt2-nf4", "bert-nf4"} {
		var raw [2][]byte
		for i, file := range []string{checkpoint.ConfigFile, checkpoint.WeightsFile} {
			var err error
			if raw[i], err = os.ReadFile(filepath.Join("testdata", name, file)); err != nil {
				f.Fatal(err)
			}
		}
		config, weights := raw[0], raw[1]
		f.Add(config, weights)
		f.Add(config, weights[:len(weights)/2])
		f.Add(bytes.Replace(config, []byte(`"load_in_4bit": true`), []byte(`"load_in_4bit": false`), 1), weights)
		f.Add(bytes.Replace(config, []byte(`_size": 32`), []byte(`_size": 2147483647`), 1), weights)
		for _, c := range [][2]string{{`[32, 32]`, `[16, 64]`}, {`"nested_blocksize": 256`, `"nested_blocksize": 999`}, {`"nested_offset": 0`, `"nested_offset": 9`}, {`nested_absmax`, `nested_abs_ax`}, {`"U8"`, `"I8"`}} {
			f.Add(config, bytes.ReplaceAll(weights, []byte(c[0]), []byte(c[1])))
		}
	}
	e, err := cpu.New(1, "")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(e.Close)
	f.Fuzz(func(t *testing.T, config, weights []byte) {
		dir := t.TempDir()
		for name, raw := range map[string][]byte{checkpoint.ConfigFile: config, checkpoint.WeightsFile: weights} {
			if err := os.WriteFile(filepath.Join(dir, name), raw, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var start, end runtime.MemStats
		runtime.ReadMemStats(&start)
		free, err := loadAny(dir, e)
		runtime.ReadMemStats(&end)
		size := len(config) + len(weights)
		if got, allowed := end.TotalAlloc-start.TotalAlloc, uint64(8<<20+400*size); got > allowed {
			t.Errorf("%d bytes made the reader allocate %d, allowed %d", size, got, allowed)
		}
		if got, allowed := e.InUse(), int64(1<<20+4*size); got > allowed {
			t.Errorf("%d bytes take %d on the engine, allowed %d", size, got, allowed)
		}
		if err == nil {
			free()
		}
		if e.InUse() != 0 {
			t.Errorf("%d bytes are left on the engine (%v)", e.InUse(), err)
		}
	})
}
