package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/tune"
)

// extractor computes features of texts with the frozen model, or reads them
// from the cache. The model is loaded only when it is needed.
type extractor struct {
	in     *sdk.Input
	lm     *tune.LM
	limit  int // max_length as given; part of the cache key
	tokens int64
	flops  float64
}

// batchTokens bounds one forward pass.
const batchTokens = 4096

// rows gives one feature row per text: [C] or, with both, [2C] (last, mean).
func (x *extractor) rows(ctx context.Context, texts []string, out *sdk.Output) ([][]float64, error) {
	x.limit = x.in.Params.Int("max_length")
	if x.limit == 0 {
		x.limit = x.in.Spec.Task.MaxLength
	}
	path := filepath.Join(x.in.CacheDir, "features", x.key(texts)+".f32")
	if rows, err := readRows(path, len(texts)); err == nil {
		return rows, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if x.lm == nil {
		lm, err := tune.Open(x.in.ModelDir, x.in.Spec.Compute)
		if err != nil {
			return nil, err
		}
		x.lm = lm
	}
	rows, err := x.compute(ctx, texts, out)
	if err != nil {
		return nil, err
	}
	return rows, writeRows(path, rows)
}

func (x *extractor) compute(ctx context.Context, texts []string, out *sdk.Output) ([][]float64, error) {
	limit := x.lm.Model.ContextLength()
	if x.limit > 0 {
		limit = min(limit, x.limit)
	}
	var rows [][]float64
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
		n := 0
		for ; at < len(texts) && (n < batchTokens || len(seqs) == 0); at++ {
			ids := x.lm.Tok.Encode(texts[at], true)
			if len(ids) == 0 {
				return nil, fmt.Errorf("example %d: its input encodes to no tokens", at+1)
			}
			ids = ids[:min(len(ids), limit)]
			seqs = append(seqs, ids)
			n += len(ids)
		}
		part, err := x.forward(seqs)
		if err != nil {
			return nil, err
		}
		rows = append(rows, part...)
		x.tokens += int64(n)
	}
	return rows, nil
}

func (x *extractor) forward(seqs [][]int) (rows [][]float64, err error) {
	layer := x.in.Params.Int("layer")
	if layers := x.lm.Model.Config().Layers; layer < 0 {
		layer = layers
	} else if layer > layers {
		return nil, sdk.Fail("params.layer", fmt.Sprintf("%d is above the model's %d layers", layer, layers), "choose 0 to the number of layers, or -1")
	}
	kind := x.in.Params.String("features")
	t := autograd.NewTape(x.lm.Model.Engine(), false)
	defer t.Release()
	err = autograd.Catch(func() {
		b := model.Pack(seqs...)
		hidden := x.lm.Model.HiddenAt(t, b, layer)
		c := x.lm.Model.Config().HiddenSize
		var last, mean []float32
		if kind != "mean" {
			ends := make([]int32, len(seqs))
			at := 0
			for i, s := range seqs {
				at += len(s)
				ends[i] = int32(at - 1)
			}
			last = t.Rows(hidden, ends).Value()
		}
		if kind != "last" {
			mean = t.SegmentMean(hidden, b.SeqLens).Value()
		}
		for i := range seqs {
			var row []float64
			for _, part := range [][]float32{last, mean} {
				if part == nil {
					continue
				}
				for _, v := range part[i*c : (i+1)*c] {
					row = append(row, float64(v))
				}
			}
			rows = append(rows, row)
		}
	})
	x.flops += float64(t.FLOPs())
	return rows, err
}

// The cache file: number of rows and of columns as little-endian uint32, then
// float32 values.
func readRows(path string, want int) ([][]float64, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	damaged := fmt.Errorf("%s: damaged feature cache; delete it and run again", path)
	if len(raw) < 8 {
		return nil, damaged
	}
	n, c := int(binary.LittleEndian.Uint32(raw)), int(binary.LittleEndian.Uint32(raw[4:]))
	if n != want || len(raw) != 8+4*n*c {
		return nil, damaged
	}
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = make([]float64, c)
		for j := range rows[i] {
			rows[i][j] = float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[8+4*(i*c+j):])))
		}
	}
	return rows, nil
}

func writeRows(path string, rows [][]float64) error {
	if len(rows) == 0 {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make the feature cache: %w", err)
	}
	raw := binary.LittleEndian.AppendUint32(nil, uint32(len(rows)))
	raw = binary.LittleEndian.AppendUint32(raw, uint32(len(rows[0])))
	for _, r := range rows {
		for _, v := range r {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(v)))
		}
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "rows-*")
	if err != nil {
		return fmt.Errorf("write the feature cache: %w", err)
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(raw); err != nil {
		tmp.Close()
		return fmt.Errorf("write the feature cache: %w", err)
	}
	if err := tmp.Close(); err != nil {
		return fmt.Errorf("write the feature cache: %w", err)
	}
	return os.Rename(tmp.Name(), path)
}
