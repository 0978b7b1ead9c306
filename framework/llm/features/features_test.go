package features

import (
	"context"
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/cpu"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/tune/tiny"
)

var texts = []string{"one two", "a much longer text of several words", "x"}

func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := tiny.Model(dir, checkpoint.Llama); err != nil {
		t.Fatal(err)
	}
	return dir
}

func rows(t *testing.T, o Options) []Row {
	t.Helper()
	x, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	r, err := x.Rows(context.Background(), texts, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Vectors against the model's own hidden states.
func TestWhichFeatures(t *testing.T) {
	dir := folder(t)
	e, err := compute.Open("cpu", 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Load(dir, e, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	c, layers := m.Config().HiddenSize, m.Config().Layers
	for _, o := range []Options{{Pooling: Last, Layer: -1}, {Pooling: Mean, Layer: -1}, {Pooling: Both, Layer: -1},
		{Pooling: Last}, {Pooling: Mean, Layer: 1}, {Pooling: Both, Layer: layers}, {Pooling: Mean, Layer: -1, MaxLength: 4}} {
		o.Model = dir
		for i, r := range rows(t, o) {
			ids := tok.Encode(texts[i], true)
			whole := len(ids)
			if o.MaxLength > 0 {
				ids = ids[:min(whole, o.MaxLength)]
			}
			layer := o.Layer
			if layer < 0 {
				layer = layers
			}
			tape := autograd.NewTape(e, false)
			h := m.HiddenAt(tape, model.Pack(ids), layer).Value()
			tape.Release()
			var want []float64
			if o.Pooling != Mean {
				for _, v := range h[len(h)-c:] {
					want = append(want, float64(v))
				}
			}
			if o.Pooling != Last {
				for j := range c {
					sum := 0.0
					for k := range ids {
						sum += float64(h[k*c+j])
					}
					want = append(want, sum/float64(len(ids)))
				}
			}
			if r.Tokens != len(ids) || r.Cut != whole-len(ids) || len(r.X) != len(want) || (r.FLOPs > 0) != (layer > 0) {
				t.Fatalf("%+v, text %d: %d tokens, %d cut, %d numbers, %g FLOPs; expected %d, %d, %d", o, i, r.Tokens, r.Cut, len(r.X), r.FLOPs, len(ids), whole-len(ids), len(want))
			}
			for j, v := range want {
				if math.Abs(r.X[j]-v) > 1e-6 { // the mean is summed in float32
					t.Errorf("%+v, text %d: number %d is %g, expected %g", o, i, j, r.X[j], v)
				}
			}
		}
	}
}

// A text's vector is the same whatever else is asked with it.
func TestAlone(t *testing.T) {
	o := Options{Model: folder(t), Pooling: Both, Layer: -1}
	together := rows(t, o)
	x, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	for i := range texts {
		alone, err := x.Rows(context.Background(), texts[i:i+1], nil)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(alone[0].X, together[i].X) {
			t.Errorf("text %d has another vector alone", i)
		}
	}
}

func TestErrors(t *testing.T) {
	if _, err := New(Options{Pooling: "max"}); err == nil {
		t.Error("an unknown pooling was taken")
	}
	x, err := New(Options{Model: folder(t), Pooling: Mean, Layer: 3})
	if err != nil {
		t.Fatal(err)
	}
	_, err = x.Rows(context.Background(), texts, nil)
	if e := new(LayerError); !errors.As(err, &e) || e.Layers != 2 {
		t.Errorf("a layer that the model lacks: %v", err)
	}
	enough := errors.New("enough")
	x, _ = New(Options{Model: folder(t), Pooling: Mean})
	if _, err = x.Rows(context.Background(), texts, func(int) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("an end that progress asked for: %v", err)
	}
}

func TestCacheKey(t *testing.T) {
	base := Options{CacheDir: "/cache", SHA256: "abc", Pooling: Both, Layer: -1}
	key := func(change func(o *Options), texts ...string) string {
		o := base
		change(&o)
		x, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		return x.cachePath(texts)
	}
	paths := map[string]string{}
	for name, p := range map[string]string{
		"base":    key(func(*Options) {}, "a", "bc"),
		"model":   key(func(o *Options) { o.SHA256 = "abd" }, "a", "bc"),
		"layer":   key(func(o *Options) { o.Layer = 1 }, "a", "bc"),
		"pooling": key(func(o *Options) { o.Pooling = Last }, "a", "bc"),
		"length":  key(func(o *Options) { o.MaxLength = 9 }, "a", "bc"),
		"engine":  key(func(o *Options) { o.Engine = "ref" }, "a", "bc"),
		"texts":   key(func(*Options) {}, "ab", "c"),
	} {
		if other, ok := paths[p]; ok || p == "" {
			t.Errorf("%s and %s have one cache file %q", name, other, p)
		}
		paths[p] = name
	}
	if same := key(func(o *Options) { o.Threads, o.Model = 7, "/elsewhere" }, "a", "bc"); paths[same] != "base" {
		t.Error("threads or place change the name")
	}
	if p := key(func(o *Options) { o.SHA256 = "" }, "a"); p != "" {
		t.Errorf("vectors of a model without a hash are kept in %q", p)
	}
	if p := key(func(o *Options) { o.CacheDir = "" }, "a"); p != "" {
		t.Errorf("without a cache folder vectors are kept in %q", p)
	}
}
