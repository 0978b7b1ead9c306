package main

import (
	"context"
	"fmt"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/tune"
)

// extractor computes features of texts with the frozen model, or reads them
// from the cache. The model is loaded only when it is needed.
type extractor struct {
	in    *sdk.Input
	limit int // tokens at which texts are cut; 0: the model's context
	lm    *tune.LM
}

func newExtractor(in *sdk.Input) *extractor {
	limit := in.Params.Int("max_length")
	if limit == 0 {
		limit = in.Spec.Task.MaxLength
	}
	return &extractor{in: in, limit: limit}
}

// batchTokens bounds one forward pass.
const batchTokens = 4096

// rows gives the features of each text: [C] or, with both, [2C] (last, mean).
// out is nil where nobody watches.
func (x *extractor) rows(ctx context.Context, texts []string, out *sdk.Output) ([]row, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	path := x.cachePath(texts)
	if path != "" {
		if rows, err := readRows(path, len(texts)); err != nil || rows != nil {
			return rows, err
		}
	}
	rows, err := x.compute(ctx, texts, out)
	if err != nil || path == "" {
		return rows, err
	}
	return rows, writeRows(path, rows)
}

func (x *extractor) compute(ctx context.Context, texts []string, out *sdk.Output) ([]row, error) {
	if x.lm == nil {
		lm, err := tune.Open(x.in.ModelDir, x.in.Spec.Compute)
		if err != nil {
			return nil, err
		}
		x.lm = lm
	}
	limit := x.lm.Model.ContextLength()
	if x.limit > 0 {
		limit = min(limit, x.limit)
	}
	var rows []row
	for at := 0; at < len(texts); {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if out != nil {
			select {
			case <-out.Stopping():
				return nil, sdk.ErrStopped
			default:
			}
			out.Progress(int64(at), int64(len(texts)), "features")
		}
		var seqs [][]int
		var part []row
		n := 0
		for ; at < len(texts) && (n < batchTokens || len(seqs) == 0); at++ {
			ids := x.lm.Tok.Encode(texts[at], true)
			if len(ids) == 0 {
				return nil, fmt.Errorf("example %d: its input encodes to no tokens", at+1)
			}
			keep := min(len(ids), limit)
			part = append(part, row{tokens: keep, cut: len(ids) - keep})
			seqs = append(seqs, ids[:keep])
			n += keep
		}
		if err := x.forward(seqs, part); err != nil {
			return nil, err
		}
		rows = append(rows, part...)
	}
	return rows, nil
}

// forward fills in the features of rows from one pass over their tokens.
func (x *extractor) forward(seqs [][]int, rows []row) error {
	layer := x.in.Params.Int("layer")
	if layers := x.lm.Model.Config().Layers; layer < 0 {
		layer = layers
	} else if layer > layers {
		return sdk.Fail("params.layer", fmt.Sprintf("%d is above the model's %d layers", layer, layers), "choose 0 to the number of layers, or -1")
	}
	kind := x.in.Params.String("features")
	t := autograd.NewTape(x.lm.Model.Engine(), false)
	defer t.Release()
	b := model.Pack(seqs...)
	err := autograd.Catch(func() {
		hidden := x.lm.Model.HiddenAt(t, b, layer)
		c := x.lm.Model.Config().HiddenSize
		var parts [][]float32
		if kind != "mean" {
			ends := make([]int32, len(seqs))
			at := 0
			for i, s := range seqs {
				at += len(s)
				ends[i] = int32(at - 1)
			}
			parts = append(parts, t.Rows(hidden, ends).Value())
		}
		if kind != "last" {
			parts = append(parts, t.SegmentMean(hidden, b.SeqLens).Value())
		}
		for i := range rows {
			for _, part := range parts {
				for _, v := range part[i*c : (i+1)*c] {
					rows[i].x = append(rows[i].x, float64(v))
				}
			}
		}
	})
	perToken := float64(t.FLOPs()) / float64(len(b.IDs))
	for i, s := range seqs {
		rows[i].flops = perToken * float64(len(s))
	}
	return err
}
