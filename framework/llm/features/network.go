package features

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// network is what the features are taken from: a decoder or an encoder.
type network interface {
	Engine() compute.Engine
	ContextLength() int
	ParamCount() int64
	Free()

	sizes() (hidden, layers int)
	// hidden is the packed state after a layer, [N,C].
	hidden(t *autograd.Tape, seqs [][]int, layer int) *autograd.Var
	// cut is a text's ids cut to the limit.
	cut(ids []int, limit int) []int
}

// open loads a folder by its family, frozen.
func open(dir string, e compute.Engine, pooling string) (network, error) {
	isEncoder, err := encoder.In(dir)
	if err != nil {
		return nil, err
	}
	if isEncoder {
		m, err := encoder.Load(dir, e, encoder.Options{Frozen: true, Headless: true})
		if err != nil {
			return nil, err
		}
		return bidirectional{m}, nil
	}
	if pooling == CLS {
		return nil, fmt.Errorf("pooling %q: the model in %s is a decoder, whose first token sees nothing of the text; use %s, %s or %s", CLS, dir, Last, Mean, Both)
	}
	m, err := model.Load(dir, e, model.Options{Frozen: true})
	if err != nil {
		return nil, err
	}
	return decoder{m}, nil
}

type decoder struct{ *model.Model }

func (m decoder) sizes() (hidden, layers int) { return m.Config().HiddenSize, m.Config().Layers }

func (m decoder) hidden(t *autograd.Tape, seqs [][]int, layer int) *autograd.Var {
	return m.HiddenAt(t, model.Pack(seqs...), layer)
}

func (m decoder) cut(ids []int, limit int) []int { return ids[:limit] }

type bidirectional struct{ *encoder.Encoder }

func (m bidirectional) sizes() (hidden, layers int) { return m.Config().HiddenSize, m.Config().Layers }

func (m bidirectional) hidden(t *autograd.Tape, seqs [][]int, layer int) *autograd.Var {
	return m.HiddenAt(t, encoder.Pack(seqs...), layer)
}

func (m bidirectional) cut(ids []int, limit int) []int { return encoder.Cut(ids, limit) }
