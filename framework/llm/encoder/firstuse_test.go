package encoder

import (
	"slices"
	"sync"
	"testing"

	"github.com/tunelab/tunelab/framework/compute/cpu"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/checkpoint/checkpointtest"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// gigabyte makes a folder of BERT large, 1.3 GB in float32, with its pooler and its
// masked-LM head.
func gigabyte(t testing.TB) string {
	t.Helper()
	const config = `{"model_type":"bert","vocab_size":30522,"hidden_size":1024,"intermediate_size":4096,"num_hidden_layers":24,"num_attention_heads":16}`
	cfg, err := ParseConfig([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	e, err := cpu.New(1, "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var list []checkpoint.Info
	_, err = build(cfg, e, parts{pooler: true, mlm: true}, model.Source{Floats: func(name string, shape []int, _ model.Kind) (filler, error) {
		list = append(list, checkpoint.Info{Name: name, Shape: shape})
		return func([]float32) error { return nil }, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	dir, size := checkpointtest.Holes(t, config, "F32", 4, list)
	if size < 1_300_000_000 {
		t.Fatalf("%d bytes of weights", size)
	}
	return dir
}

// A weight takes memory when it is first used, and then it has its values; a
// label head on it changes nothing in that.
func TestWeightsWaitForTheirFirstUse(t *testing.T) {
	dir := gigabyte(t)
	for _, o := range []Options{{}, {Headless: true}, {Classify: true}} {
		e, err := cpu.New(1, "")
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		before := checkpointtest.Resident()
		m, err := Load(dir, e, o)
		if err != nil {
			t.Fatal(err)
		}
		if more := checkpointtest.Resident() - before; e.InUse() != 0 || more > 100<<20 {
			t.Errorf("%+v: opened with %d bytes in use on the engine and %d more resident", o, e.InUse(), more)
		}
		if g := m.embedNorm.g; g.Len() != 1024 || g.Data()[5] != 0 {
			t.Errorf("%+v: the embeddings' norm is %d values", o, g.Len())
		}
		if n := e.InUse(); n == 0 || n > 1<<20 {
			t.Errorf("%+v: %d bytes in use after a norm was read", o, n)
		}
		m.Free()
		if e.InUse() != 0 {
			t.Errorf("%+v: %d bytes in use after Free", o, e.InUse())
		}
	}
}

// Passes and copies that are the first to use an encoder may run side by side.
func TestFirstUsesAtOnce(t *testing.T) {
	for _, name := range Families() {
		want, x := load(t, name, "cpu")
		b, _ := x.all()
		logits := func(m *Encoder) []float32 {
			tape := autograd.NewTape(m.Engine(), false)
			defer tape.Release()
			return m.Logits(tape, m.Hidden(tape, b)).Value()
		}
		m, _ := load(t, name, "cpu")
		var got [4][]float32
		var all sync.WaitGroup
		for i := range got {
			all.Go(func() { got[i] = logits(m) })
			all.Go(func() { // kernels take turns, copies do not
				for _, p := range m.Params() {
					p.Data()
				}
			})
		}
		all.Wait()
		for i, w := 0, logits(want); i < len(got); i++ {
			if !slices.Equal(got[i], w) {
				t.Errorf("%s: pass %d gives other logits than a pass alone", name, i)
			}
		}
	}
}

// BenchmarkOpenGigabyte: the time and the resident memory of opening a folder of
// 1.3 GB, before the first use of a weight.
func BenchmarkOpenGigabyte(b *testing.B) {
	e, err := cpu.New(1, "")
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	dir, before := gigabyte(b), checkpointtest.Resident()
	for b.Loop() {
		m, err := Load(dir, e, Options{})
		if err != nil {
			b.Fatal(err)
		}
		m.Free()
	}
	b.ReportMetric(float64(checkpointtest.Resident()-before)/1e6, "MB-resident")
}
