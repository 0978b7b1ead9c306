package model

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/train/autograd"
)

// front are tokens that the sequences of the fixtures do not hold.
var front = []int{40, 41, 44}

// embedded is a prefix of the tokens of front: as learned positions they must
// do what they do in front of a text.
func embedded(m *Model) (*Prefix, *autograd.Param) {
	c := m.cfg.EmbedWidth()
	var data []float32
	for _, id := range front {
		data = append(data, m.embed.Data()[id*c:(id+1)*c]...)
	}
	if m.layout.scaleTokens {
		for i := range data {
			data[i] *= float32(math.Sqrt(float64(c)))
		}
	}
	p := autograd.NewParam(m.e, "prefix", []int{len(front), c}, data)
	return &Prefix{Len: len(front), Input: func(t *autograd.Tape) *autograd.Var { return t.Param(p) }}, p
}

// keyed is a prefix of the keys and values of the tokens of front.
func keyed(m *Model) *Prefix {
	tape, c := autograd.NewTape(m.e, false), m.NewCache(1, len(front))
	defer tape.Release()
	m.HiddenCached(tape, Pack(front), c, []int{0})
	return &Prefix{Len: len(front), KV: func(t *autograd.Tape, l int) (k, v *autograd.Var) {
		return t.Const(c.K[l].Shape, c.K[l].Floats(m.e)), t.Const(c.V[l].Shape, c.V[l].Floats(m.e))
	}}
}

// expectedBehind gives the hidden states of each sequence after front.
func expectedBehind(m *Model, seqs [][]int, layer int) (out [][]float32) {
	for _, s := range seqs {
		t := autograd.NewTape(m.e, false)
		h := m.HiddenAt(t, Pack(slices.Concat(front, s)), layer).Value()
		out = append(out, h[len(front)*m.cfg.HiddenSize:])
		t.Release()
	}
	return out
}

func TestAPrefixIsTokensInFront(t *testing.T) {
	for _, name := range tinyModels(t) {
		for kind, make := range map[string]func(*Model) *Prefix{"input": func(m *Model) *Prefix { p, _ := embedded(m); return p }, "keys and values": keyed} {
			t.Run(name+" "+kind, func(t *testing.T) {
				m, x := load(t, name)
				var want [][][]float32
				for layer := range m.cfg.Layers + 1 {
					want = append(want, expectedBehind(m, x.Seqs, layer))
				}
				p := make(m)
				if err := m.SetPrefix(p); err != nil {
					t.Fatal(err)
				}
				tape := autograd.NewTape(m.e, false)
				defer tape.Release()
				for layer := range want {
					near(t, "packed", m.HiddenAt(tape, Pack(x.Seqs...), layer).Value(), slices.Concat(want[layer]...), 1e-4)
				}
				// In a cache: two slots, one of them filled in parts, emptied and copied.
				s := x.Seqs[2]
				c := m.NewCache(3, len(s))
				defer c.Free()
				final, hidden := want[m.cfg.Layers], m.cfg.HiddenSize
				got := m.HiddenCached(tape, Pack(x.Seqs[0], s[:5]), c, []int{0, 2}).Value()
				near(t, "cached", got, slices.Concat(final[0], final[2][:5*hidden]), 1e-4)
				c.CopySlot(1, 2)
				c.Truncate(0, 0)
				got = m.HiddenCached(tape, Pack(s[5:], s), c, []int{1, 0}).Value()
				near(t, "cached after a copy", got, slices.Concat(final[2][5*hidden:], final[2]), 1e-4)
				if c.Len(0) != len(s) || c.Len(1) != len(s) || c.Len(2) != 5 || c.MaxLen != len(s) {
					t.Errorf("lengths %d %d %d of %d", c.Len(0), c.Len(1), c.Len(2), c.MaxLen)
				}
				if m.ContextLength() != m.cfg.MaxPositions-len(front) {
					t.Errorf("context %d", m.ContextLength())
				}
				if err := m.SetPrefix(nil); err != nil || m.ContextLength() != m.cfg.MaxPositions {
					t.Errorf("without a prefix: %v, context %d", err, m.ContextLength())
				}
			})
		}
	}
}

// The gradient of a prefix is that of the tokens it stands for.
func TestGradientOfAPrefix(t *testing.T) {
	m, x := load(t, "llama")
	gradient := func(p *autograd.Param, b Batch, keep []int32) []float32 {
		t := autograd.NewTape(m.e, true)
		defer t.Release()
		h := t.Rows(m.Hidden(t, b), keep)
		t.Backward(t.Sum(t.Mul(h, h)))
		return p.GradData()
	}
	var rows, behind []int32
	var with [][]int
	at := 0
	for _, s := range x.Seqs {
		with = append(with, slices.Concat(front, s))
		rows, behind = appendRange(rows, at, len(s)), appendRange(behind, at+len(front)*len(with), len(s))
		at += len(s)
	}
	all := gradient(m.embed, Pack(with...), behind)
	var want []float32
	c := m.cfg.HiddenSize
	for _, id := range front {
		want = append(want, all[id*c:(id+1)*c]...)
	}
	p, param := embedded(m)
	if err := m.SetPrefix(p); err != nil {
		t.Fatal(err)
	}
	near(t, "gradient", gradient(param, Pack(x.Seqs...), rows), want, 2e-3) // values up to 200
}

func TestAPrefixThatCannotBe(t *testing.T) {
	m, _ := load(t, "llama")
	p, _ := embedded(m)
	for want, bad := range map[string]*Prefix{
		"0 positions":         {Input: p.Input},
		"48 positions":        {Len: 48, Input: p.Input},
		"either its input":    {Len: 3},
		"its keys and values": {Len: 3, Input: p.Input, KV: keyed(m).KV},
		"needs [2,32]":        {Len: 2, Input: p.Input},
	} {
		err := m.SetPrefix(bad)
		if err == nil {
			err = autograd.Catch(func() { m.Hidden(autograd.NewTape(m.e, false), Pack([]int{1})) })
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if err := m.SetPrefix(p); err != nil {
		t.Fatal(err)
	}
	if err := m.Save(t.TempDir()); err == nil || !strings.Contains(err.Error(), "learned prefix") {
		t.Errorf("save: %v", err)
	}
	if err := autograd.Catch(func() { m.Hidden(autograd.NewTape(m.e, false), Pack(make([]int, 46))) }); err == nil {
		t.Error("a sequence over what the prefix leaves was taken")
	}
}

// halve is an adapter that halves what the layer sees.
type halve struct{ seen *[][]float32 }

func (h halve) Input(t *autograd.Tape, x *autograd.Var, _ *Linear) *autograd.Var {
	return t.Scale(x, 0.5)
}

func (h halve) Apply(_ *autograd.Tape, x, y *autograd.Var, _ *Linear) *autograd.Var {
	*h.seen = append(*h.seen, x.Value(), y.Value())
	return y
}

func TestAnAdapterChangesWhatALayerSees(t *testing.T) {
	m, _ := load(t, "llama-bias")
	lin := m.Linears()[0]
	tape := autograd.NewTape(m.e, false)
	defer tape.Release()
	data := make([]float32, 2*lin.In)
	for i := range data {
		data[i] = float32(i%7) - 3
	}
	x := tape.Const([]int{2, lin.In}, data)
	want := lin.Base(tape, tape.Scale(x, 0.5)).Value()
	var seen [][]float32
	lin.Adapt = halve{&seen}
	near(t, "output", lin.Forward(tape, x).Value(), want, 0)
	near(t, "the adapter's input", seen[0], tape.Scale(x, 0.5).Value(), 0)
}
