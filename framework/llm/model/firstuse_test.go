package model

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/compute/cpu"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/checkpoint/checkpointtest"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// gigabyte makes a folder of a Llama of 1 GB in dtype.
func gigabyte(t testing.TB, dtype string, width int) string {
	t.Helper()
	const layers, c, inner, vocab = 8, 2048, 5632, 32000
	config := fmt.Sprintf(`{"model_type":"llama","vocab_size":%d,"hidden_size":%d,"intermediate_size":%d,"num_hidden_layers":%d,"num_attention_heads":16,"tie_word_embeddings":true}`,
		vocab, c, inner, layers)
	var list []checkpoint.Info
	add := func(name string, shape ...int) { list = append(list, checkpoint.Info{Name: name, Shape: shape}) }
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
	dir, size := checkpointtest.Holes(t, config, dtype, width, list)
	if size < 900_000_000 {
		t.Fatalf("%d bytes of weights", size)
	}
	return dir
}

// A weight takes memory when it is first used, and then it has its values.
func TestWeightsWaitForTheirFirstUse(t *testing.T) {
	e, err := cpu.New(1, "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	before := checkpointtest.Resident()
	m, err := Load(gigabyte(t, "BF16", 2), e, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if more := checkpointtest.Resident() - before; e.InUse() != 0 || more > 100<<20 {
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

// Passes and copies that are the first to use a model may run side by side.
func TestFirstUsesAtOnce(t *testing.T) {
	for _, name := range []string{"llama", "gpt2"} { // gpt2's weights are turned over as they are read
		want, x := open(t, name, "cpu")
		hidden := func(m *Model) []float32 {
			tape := autograd.NewTape(m.Engine(), false)
			defer tape.Release()
			return m.Logits(tape, m.Hidden(tape, Pack(x.Seqs...))).Value()
		}
		m, _ := open(t, name, "cpu")
		var got [4][]float32
		var all sync.WaitGroup
		for i := range got {
			all.Go(func() { got[i] = hidden(m) })
			all.Go(func() { // kernels take turns, copies do not
				for _, p := range m.Params() {
					p.Data()
				}
			})
		}
		all.Wait()
		for i, w := 0, hidden(want); i < len(got); i++ {
			if !slices.Equal(got[i], w) {
				t.Errorf("%s: pass %d gives other logits than a pass alone", name, i)
			}
		}
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
			dir, before := gigabyte(b, kind.dtype, kind.width), checkpointtest.Resident()
			for b.Loop() {
				m, err := Load(dir, e, Options{})
				if err != nil {
					b.Fatal(err)
				}
				m.Free()
			}
			b.ReportMetric(float64(checkpointtest.Resident()-before)/1e6, "MB-resident")
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
			b.ReportMetric(float64(checkpointtest.Resident())/1e6, "MB-resident")
		})
	}
}
