package model

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/compute/cpu"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// gigabyte writes a Llama of 1 GB in dtype to a folder, as a file of holes.
func gigabyte(t testing.TB, dtype string, width int) string {
	t.Helper()
	dir := t.TempDir()
	const layers, c, inner, vocab = 8, 2048, 5632, 32000
	config := fmt.Sprintf(`{"model_type":"llama","vocab_size":%d,"hidden_size":%d,"intermediate_size":%d,"num_hidden_layers":%d,"num_attention_heads":16,"tie_word_embeddings":true}`,
		vocab, c, inner, layers)
	if err := os.WriteFile(filepath.Join(dir, checkpoint.ConfigFile), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	header, at := map[string]any{}, 0
	add := func(name string, shape ...int) {
		n := width
		for _, d := range shape {
			n *= d
		}
		header[name] = map[string]any{"dtype": dtype, "shape": shape, "data_offsets": []int{at, at + n}}
		at += n
	}
	add("model.embed_tokens.weight", vocab, c)
	add("model.norm.weight", c)
	for l := range layers {
		p := fmt.Sprintf("model.layers.%d.", l)
		add(p+"input_layernorm.weight", c)
		add(p+"post_attention_layernorm.weight", c)
		for _, n := range []string{"q", "k", "v", "o"} {
			add(p+"self_attn."+n+"_proj.weight", c, c)
		}
		add(p+"mlp.gate_proj.weight", inner, c)
		add(p+"mlp.up_proj.weight", inner, c)
		add(p+"mlp.down_proj.weight", c, inner)
	}
	raw, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, checkpoint.WeightsFile)
	if err := os.WriteFile(path, append(binary.LittleEndian.AppendUint64(nil, uint64(len(raw))), raw...), 0o644); err != nil {
		t.Fatal(err)
	}
	if at < 900_000_000 {
		t.Fatalf("%d bytes of weights", at)
	}
	if err := os.Truncate(path, int64(8+len(raw)+at)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// resident is the process's resident memory in bytes; 0 where the system does
// not say.
func resident() int64 {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(raw), "VmRSS:")
	var kib int64
	fmt.Sscan(rest, &kib)
	return kib << 10
}

// A weight takes memory when it is first used, and then it has its values.
func TestWeightsWaitForTheirFirstUse(t *testing.T) {
	e, err := cpu.New(1, "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	before := resident()
	m, err := Load(gigabyte(t, "BF16", 2), e, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if more := resident() - before; e.InUse() != 0 || more > 100<<20 {
		t.Errorf("opened with %d bytes in use on the engine and %d more resident", e.InUse(), more)
	}
	if norm := m.finalNorm.g; norm.Len() != 2048 || norm.Data()[5] != 0 {
		t.Errorf("the final norm is %d values", norm.Len())
	}
	if n := e.InUse(); n == 0 || n > 1<<20 {
		t.Errorf("%d bytes in use after a norm was read", n)
	}
	m.Free()
	if e.InUse() != 0 {
		t.Errorf("%d bytes in use after Free", e.InUse())
	}
}

// The folder may go once it is open.
func TestAModelOutlivesItsFolder(t *testing.T) {
	m, x := open(t, "gemma2", "cpu")
	dir := filepath.Join(t.TempDir(), "m")
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	again, err := Load(dir, m.Engine(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	tape := autograd.NewTape(m.Engine(), false)
	defer tape.Release()
	if !slices.Equal(m.Hidden(tape, Pack(x.Seqs...)).Value(), again.Hidden(tape, Pack(x.Seqs...)).Value()) {
		t.Error("the model changed")
	}
}

// A weight that can be read no more is an error of whatever uses it, each time,
// and no crash.
func TestFilesThatChangeUnderAModel(t *testing.T) {
	m, x := open(t, "gpt2", "cpu")
	dir := filepath.Join(t.TempDir(), "m")
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, checkpoint.WeightsFile)
	again, err := Load(dir, m.Engine(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 5000); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		err := autograd.Catch(func() {
			tape := autograd.NewTape(m.Engine(), false)
			defer tape.Release()
			again.Hidden(tape, Pack(x.Seqs...))
		})
		var fill *compute.FillError
		if !errors.As(err, &fill) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v", err)
		}
	}
	if err := again.Save(t.TempDir()); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("saved: %v", err)
	}
	again.Free()
}

// BenchmarkOpenGigabyte: the time and the resident memory of opening a folder of
// 1 GB, before the first use of a weight.
func BenchmarkOpenGigabyte(b *testing.B) {
	for _, kind := range []struct {
		dtype string
		width int
	}{{"BF16", 2}, {"F32", 4}} {
		b.Run(kind.dtype, func(b *testing.B) {
			e, err := cpu.New(1, "")
			if err != nil {
				b.Fatal(err)
			}
			defer e.Close()
			dir, before := gigabyte(b, kind.dtype, kind.width), resident()
			for b.Loop() {
				m, err := Load(dir, e, Options{})
				if err != nil {
					b.Fatal(err)
				}
				m.Free()
			}
			b.ReportMetric(float64(resident()-before)/1e6, "MB-resident")
		})
	}
}

// BenchmarkFirstUseOfGigabyte: opening such a folder and reading all its weights,
// which the system has in its cache, with one thread.
func BenchmarkFirstUseOfGigabyte(b *testing.B) {
	for _, kind := range []struct {
		dtype string
		width int
	}{{"BF16", 2}, {"F32", 4}} {
		b.Run(kind.dtype, func(b *testing.B) {
			e, err := cpu.New(1, "")
			if err != nil {
				b.Fatal(err)
			}
			defer e.Close()
			dir := gigabyte(b, kind.dtype, kind.width)
			for b.Loop() {
				m, err := Load(dir, e, Options{})
				if err != nil {
					b.Fatal(err)
				}
				for _, p := range m.Params() {
					if err := compute.Call(e, compute.Copy, []compute.Buffer{p.T.Buf, p.T.Buf}, []int64{1, 0, 0, 0}, nil); err != nil {
						b.Fatal(err)
					}
				}
				m.Free()
			}
			b.ReportMetric(float64(resident())/1e6, "MB-resident")
		})
	}
}
