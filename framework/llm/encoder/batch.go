package encoder

import "github.com/tunelab/tunelab/framework/train/autograd"

// Batch is packed sequences: IDs holds the tokens of all of them one after the
// other, SeqLens how many belong to each; sum(SeqLens) = len(IDs) = N. Padding
// has no place in it: every token is attended to.
type Batch struct {
	IDs     []int32
	Types   []int32 // token types (segments), one for each token; nil: all 0
	SeqLens []int
}

// Pack makes a Batch of sequences whose token types are all 0.
func Pack(seqs ...[]int) Batch {
	var b Batch
	for _, s := range seqs {
		for _, id := range s {
			b.IDs = append(b.IDs, int32(id))
		}
		b.SeqLens = append(b.SeqLens, len(s))
	}
	return b
}

// starts are the rows of the sequences' first tokens.
func starts(seqLens []int) []int32 {
	out, at := make([]int32, len(seqLens)), 0
	for i, n := range seqLens {
		out[i] = int32(at)
		at += n
	}
	return out
}

// check panics where a batch cannot be one of this encoder.
func (m *Encoder) check(b Batch) {
	total := 0
	for i, n := range b.SeqLens {
		if n < 1 || n > m.ContextLength() {
			panic(&autograd.IndexError{Op: "encoder: length of the sequence", At: i, Value: n, Limit: m.ContextLength() + 1})
		}
		total += n
	}
	if total != len(b.IDs) || b.Types != nil && len(b.Types) != len(b.IDs) {
		panic(&autograd.ShapeError{Op: "encoder", Shapes: [][]int{{len(b.IDs)}, {len(b.Types)}}, Reason: "needs as many ids, and token types if there are any, as the lengths add up to"})
	}
	for i, v := range b.Types {
		if limit := max(m.cfg.TypeVocab, 1); v < 0 || int(v) >= limit {
			panic(&autograd.IndexError{Op: "encoder: token type", At: i, Value: int(v), Limit: limit})
		}
	}
}

// places are the positions of the tokens: from 0 in each sequence, or by
// Config.PadPosition (transformers, create_position_ids_from_input_ids).
func (m *Encoder) places(b Batch) []int32 {
	out, at, pad := make([]int32, 0, len(b.IDs)), 0, int32(m.cfg.PadPosition)
	for _, n := range b.SeqLens {
		next := pad + 1
		for _, id := range b.IDs[at : at+n] {
			if pad >= 0 && id == pad {
				out = append(out, pad)
				continue
			}
			out = append(out, next)
			next++
		}
		at += n
	}
	return out
}
