package embed

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// network is a model that gives hidden states after its last norm, which
// transformers calls last_hidden_state: packed, [N,C].
type network struct {
	hidden               func(t *autograd.Tape, b encoder.Batch) *autograd.Var
	width, vocab, length int // C, ids, tokens of the context
	free                 func()
}

// open loads the model of a folder, an encoder or a decoder.
func open(dir string, e compute.Engine) (network, error) {
	is, err := encoder.In(dir)
	if err != nil {
		return network{}, err
	}
	if is {
		m, err := encoder.Load(dir, e, encoder.Options{Frozen: true, Headless: true})
		if err != nil {
			return network{}, err
		}
		return network{m.Hidden, m.Config().HiddenSize, m.Config().VocabSize, m.ContextLength(), m.Free}, nil
	}
	m, err := model.Load(dir, e, model.Options{Frozen: true})
	if err != nil {
		return network{}, err
	}
	hidden := func(t *autograd.Tape, b encoder.Batch) *autograd.Var { // a decoder knows no token types
		return m.Hidden(t, model.Batch{IDs: b.IDs, SeqLens: b.SeqLens})
	}
	return network{hidden, m.Config().HiddenSize, m.Config().VocabSize, m.ContextLength(), m.Free}, nil
}

// check refuses what the model cannot take.
func (n network) check(ids []int) error {
	for i, id := range ids {
		if id < 0 || id >= n.vocab {
			return fmt.Errorf("token %d has the id %d, outside the vocabulary of %d", i+1, id, n.vocab)
		}
	}
	if len(ids) < 1 || len(ids) > n.length {
		return fmt.Errorf("has %d tokens; the model takes 1 to %d", len(ids), n.length)
	}
	return nil
}

// states are the hidden states of sequences, one after the other.
func (n network) states(e compute.Engine, seqs []sequence) (rows []float32, err error) {
	var b encoder.Batch
	for _, s := range seqs {
		types := s.types
		if types == nil {
			types = make([]int, len(s.ids))
		}
		for i, id := range s.ids {
			b.IDs, b.Types = append(b.IDs, int32(id)), append(b.Types, int32(types[i]))
		}
		b.SeqLens = append(b.SeqLens, len(s.ids))
	}
	t := autograd.NewTape(e, false)
	defer t.Release()
	err = autograd.Catch(func() { rows = n.hidden(t, b).Value() })
	return rows, err
}
