package rl

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// ScalarModel is a decoder with one number for each position in place of the
// output layer: a reward model (read at the last token) or a value function.
type ScalarModel struct {
	Model *model.Model
	Head  *autograd.Param // [1,C], transformers' score.weight, without bias
}

// Files of a saved scalar model's folder.
const (
	bodyDir  = "model"
	headFile = "score.safetensors"
	headName = "score.weight"
)

// NewScalarModel puts a new head on m: normal with standard deviation 0.02
// (transformers' initializer_range).
func NewScalarModel(m *model.Model, rng *rand.Rand) *ScalarModel {
	w := make([]float32, m.Config().HiddenSize)
	for i := range w {
		w[i] = float32(rng.NormFloat64() * 0.02)
	}
	return &ScalarModel{Model: m, Head: autograd.NewParam(m.Engine(), headName, []int{1, len(w)}, w)}
}

// Params are the parameters that train, the head last. An untied output layer
// takes no part.
func (s *ScalarModel) Params() []*autograd.Param {
	var out []*autograd.Param
	for _, p := range s.Model.Params() {
		if p.Name != "lm_head.weight" {
			out = append(out, p)
		}
	}
	return append(out, s.Head)
}

// Values reads the head at the given rows of a packed batch: [len(rows)].
func (s *ScalarModel) Values(t *autograd.Tape, b model.Batch, rows []int32) *autograd.Var {
	y := t.Linear(t.Rows(s.Model.Hidden(t, b), rows), t.Param(s.Head), nil)
	return t.Reshape(y, len(rows))
}

// Scores gives the value at the last token of each sequence, at most
// scoreTokens tokens at a time.
func (s *ScalarModel) Scores(seqs [][]int) (scores []float64, flops float64, err error) {
	for lo := 0; lo < len(seqs); {
		hi, n := lo, 0
		for hi < len(seqs) && (hi == lo || n+len(seqs[hi]) <= scoreTokens) {
			n += len(seqs[hi])
			hi++
		}
		t := autograd.NewTape(s.Model.Engine(), false)
		err := autograd.Catch(func() {
			scores = append(scores, widen(s.Values(t, model.Pack(seqs[lo:hi]...), Ends(seqs[lo:hi])).Value())...)
		})
		flops += float64(t.FLOPs())
		t.Release()
		if err != nil {
			return nil, 0, fmt.Errorf("score responses: %w", err)
		}
		lo = hi
	}
	return scores, flops, nil
}

const scoreTokens = 4096

// Ends are the rows of the last tokens of packed sequences.
func Ends(seqs [][]int) []int32 {
	out, at := make([]int32, len(seqs)), 0
	for i, s := range seqs {
		at += len(s)
		out[i] = int32(at - 1)
	}
	return out
}

// PairBackward runs a batch of pairs forward and backward: gradients
// accumulate in the parameters. Every sequence counts its own length, so there
// is no padding to mask.
func (s *ScalarModel) PairBackward(chosen, rejected [][]int, center float64) (p *Pairs, flops float64, err error) {
	seqs := append(chosen[:len(chosen):len(chosen)], rejected...)
	t := autograd.NewTape(s.Model.Engine(), true)
	defer t.Release()
	var lossErr error
	err = autograd.Catch(func() {
		r := s.Values(t, model.Pack(seqs...), Ends(seqs))
		v := widen(r.Value())
		if p, lossErr = PairLoss(v[:len(chosen)], v[len(chosen):], nil, center); lossErr == nil {
			t.BackwardWith([]*autograd.Var{r}, [][]float32{narrow(append(p.DChosen[:len(chosen):len(chosen)], p.DRejected...))})
		}
	})
	return p, float64(t.FLOPs()), errors.Join(err, lossErr)
}

func widen(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

func narrow(x []float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}

// Save writes the body in Hugging Face form under model/ and the head beside
// it.
func (s *ScalarModel) Save(dir string) error {
	if err := s.Model.Save(filepath.Join(dir, bodyDir)); err != nil {
		return err
	}
	return checkpoint.WriteSafetensors(filepath.Join(dir, headFile), []checkpoint.Tensor{{Name: headName, Shape: s.Head.Shape(), Data: s.Head.Data()}}, nil)
}

// LoadScalarModel reads what Save wrote, strictly.
func LoadScalarModel(dir string, e compute.Engine) (*ScalarModel, error) {
	m, err := model.Load(filepath.Join(dir, bodyDir), e, model.Options{})
	if err != nil {
		return nil, fmt.Errorf("load the reward model: %w", err)
	}
	head, err := checkpoint.ReadTensor(filepath.Join(dir, headFile), headName, []int{1, m.Config().HiddenSize})
	if err != nil {
		return nil, fmt.Errorf("load the reward model: %w", err)
	}
	return &ScalarModel{Model: m, Head: autograd.NewParam(e, headName, head.Shape, head.Data)}, nil
}
