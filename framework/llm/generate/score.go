package generate

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Bounds of memory while scoring.
const (
	scoreTokens = 2048     // tokens of one packed forward pass; a longer sequence goes alone
	logitBytes  = 64 << 20 // of one block of logits
)

// SequenceError says what is wrong with one of the sequences given.
type SequenceError struct {
	Index int // from 0
	Err   error
}

// Error counts sequences from 1.
func (e *SequenceError) Error() string { return fmt.Sprintf("sequence %d: %v", e.Index+1, e.Err) }
func (e *SequenceError) Unwrap() error { return e.Err }

// ScoreIDs gives out[i][j] = ln p(ids[i][j+1] | ids[i][0..j]), natural
// logarithms; out[i] is one shorter than ids[i], and empty for a sequence of
// one token or none. Sequences are packed in order.
func ScoreIDs(m *model.Model, ids [][]int) ([][]float64, error) {
	out := make([][]float64, len(ids))
	for i, s := range ids {
		if len(s) > m.ContextLength() {
			return nil, &SequenceError{i, fmt.Errorf("%d tokens are more than the model's context of %d; cut it", len(s), m.ContextLength())}
		}
		if err := checkIDs(m, s); err != nil {
			return nil, &SequenceError{i, err}
		}
	}
	for lo := 0; lo < len(ids); {
		hi, tokens := lo, 0
		for hi < len(ids) && (hi == lo || tokens+len(ids[hi]) <= scoreTokens) {
			tokens += len(ids[hi])
			hi++
		}
		var b model.Batch
		var rows []int32
		var targets []int32
		for i := lo; i < hi; i++ {
			at := len(b.IDs)
			for j, id := range ids[i] {
				b.IDs = append(b.IDs, int32(id))
				if j > 0 {
					rows = append(rows, int32(at+j-1))
					targets = append(targets, int32(id))
				}
			}
			if len(ids[i]) > 0 {
				b.SeqLens = append(b.SeqLens, len(ids[i]))
			}
		}
		lp, _, err := scoreRows(m, rows, targets, func(t *autograd.Tape) *autograd.Var { return m.Hidden(t, b) })
		if err != nil {
			return nil, fmt.Errorf("score: %w", err)
		}
		for i := lo; i < hi; i++ {
			n := max(len(ids[i])-1, 0)
			out[i], lp = lp[:n:n], lp[n:]
		}
		lo = hi
	}
	return out, nil
}

// scoreRows gives ln p(targets[i]) at row rows[i] of a hidden state [N,C], with
// the logits in blocks, and the arithmetic spent.
func scoreRows(m *model.Model, rows, targets []int32, hidden func(*autograd.Tape) *autograd.Var) (lp []float64, flops int64, err error) {
	if len(rows) == 0 {
		return nil, 0, nil
	}
	c := m.Config().HiddenSize
	err = autograd.Catch(func() {
		t := autograd.NewTape(m.Engine(), false)
		defer func() { t.Release() }()
		h := t.Rows(hidden(t), rows).Value()
		flops = t.FLOPs()
		per := max(logitBytes/(4*m.Config().VocabSize), 1)
		for lo := 0; lo < len(rows); lo += per {
			hi := min(lo+per, len(rows))
			t.Release()
			t = autograd.NewTape(m.Engine(), false)
			nll := t.NLL(m.Logits(t, t.Const([]int{hi - lo, c}, h[lo*c:hi*c])), targets[lo:hi]).Value()
			flops += t.FLOPs()
			for _, v := range nll {
				lp = append(lp, -float64(v))
			}
		}
	})
	return lp, flops, err
}
