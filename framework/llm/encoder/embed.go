package encoder

import (
	"context"
	"fmt"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// EmbedOptions of Embed.
type EmbedOptions struct {
	Engine  string // default "cpu"; the program must import its package
	Threads int    // 0: all cores
	// Pooling is None, CLS or Mean, as it is; "" is the recipe of a
	// sentence-transformers folder (ReadSentence), with its normalisation.
	Pooling string
	Types   [][]int // token types of each sequence; nil: all 0
}

// Embedding is what one sequence of n tokens becomes: with the pooling None the
// final hidden state of each token, else one vector.
type Embedding struct {
	Hidden [][]float32 `json:"hidden,omitempty"`    // [n][C]
	Vector []float32   `json:"embedding,omitempty"` // [C]
}

// Embed loads the encoder of the folder dir and embeds sequences of token ids,
// special tokens included. A sequence gives the same bits whatever else is
// asked with it. One that is empty, longer than the encoder's context or holds an
// id outside the vocabulary is an error with its number, from 1.
func Embed(ctx context.Context, dir string, ids [][]int, o EmbedOptions) ([]Embedding, error) {
	normalize := false
	switch o.Pooling {
	case None, CLS, Mean:
	case "":
		s, ok, err := ReadSentence(dir)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fmt.Errorf("%s: has no %s that says how to pool; give the pooling %s, %s or %s", dir, modulesFile, None, CLS, Mean)
		}
		dir, o.Pooling, normalize = s.Dir, s.Pooling, s.Normalize
	default:
		return nil, fmt.Errorf("pooling %q is none of %s, %s and %s", o.Pooling, None, CLS, Mean)
	}
	if o.Engine == "" {
		o.Engine = "cpu"
	}
	e, err := compute.Open(o.Engine, o.Threads)
	if err != nil {
		return nil, err
	}
	defer compute.Close(e)
	m, err := Load(dir, e, Options{Frozen: true, Headless: true})
	if err != nil {
		return nil, err
	}
	defer m.Free()
	return m.embeddings(ctx, ids, o.Types, o.Pooling, normalize)
}

// batchTokens bounds one forward pass.
const batchTokens = 4096

func (m *Encoder) embeddings(ctx context.Context, ids, types [][]int, pooling string, normalize bool) ([]Embedding, error) {
	if types != nil && len(types) != len(ids) {
		return nil, fmt.Errorf("token types of %d sequences, but %d sequences", len(types), len(ids))
	}
	var out []Embedding
	for len(out) < len(ids) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var b Batch
		for at := len(out); at < len(ids) && (len(b.IDs) == 0 || len(b.IDs)+len(ids[at]) <= batchTokens); at++ {
			one, err := m.sequence(ids, types, at)
			if err != nil {
				return nil, fmt.Errorf("sequence %d: %w", at+1, err)
			}
			b.IDs, b.Types, b.SeqLens = append(b.IDs, one.IDs...), append(b.Types, one.Types...), append(b.SeqLens, one.SeqLens...)
		}
		done, err := m.embedBatch(b, pooling, normalize)
		if err != nil {
			return nil, err
		}
		out = append(out, done...)
	}
	return out, nil
}

// sequence checks one of the sequences.
func (m *Encoder) sequence(ids, types [][]int, at int) (Batch, error) {
	b := Pack(ids[at])
	if types != nil {
		for _, v := range types[at] {
			b.Types = append(b.Types, int32(v))
		}
	}
	for i, id := range ids[at] {
		if id < 0 || id >= m.cfg.VocabSize {
			return b, fmt.Errorf("token %d has the id %d, outside the vocabulary of %d", i+1, id, m.cfg.VocabSize)
		}
	}
	if n := len(ids[at]); n < 1 || n > m.ContextLength() {
		return b, fmt.Errorf("has %d tokens; the encoder takes 1 to %d", n, m.ContextLength())
	}
	return b, autograd.Catch(func() { m.check(b) })
}

func (m *Encoder) embedBatch(b Batch, pooling string, normalize bool) (out []Embedding, err error) {
	t := autograd.NewTape(m.Engine(), false)
	defer t.Release()
	err = autograd.Catch(func() {
		x := m.Hidden(t, b)
		if pooling != None {
			x = Pool(t, x, b.SeqLens, pooling)
			if normalize {
				x = Normalize(t, x)
			}
		}
		rows, c := x.Value(), m.cfg.HiddenSize
		row := func() []float32 {
			r := rows[:c:c]
			rows = rows[c:]
			return r
		}
		for _, n := range b.SeqLens {
			var e Embedding
			if pooling == None {
				for range n {
					e.Hidden = append(e.Hidden, row())
				}
			} else {
				e.Vector = row()
			}
			out = append(out, e)
		}
	})
	return out, err
}
