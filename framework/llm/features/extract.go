package features

import (
	"context"
	"fmt"
	"slices"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Poolings: which hidden states make a text's vector of C or, for Both, 2C
// numbers.
const (
	CLS  = "cls"  // of the first token, of an encoder; a decoder's has seen nothing
	Last = "last" // of the last token
	Mean = "mean" // the mean over tokens
	Both = "both" // the last, then the mean
)

// Options of New.
type Options struct {
	Model     string // Hugging Face folder
	SHA256    string // of the model, for the cache; "": nothing is kept
	CacheDir  string // "": nothing is kept
	Engine    string // default "cpu"
	Precision string // of its products: "f32" (default) or "bf16"
	Threads   int    // 0: all cores
	Pooling   string // CLS, Last, Mean or Both
	Layer     int    // 0 the embeddings, n the state after the n-th block; the last one, also -1, stands after the final norm (transformers, output_hidden_states)
	MaxLength int    // tokens at which texts are cut (encoder.Cut, for an encoder); 0, or more than that: the model's context
}

// Row is what the model gives for one text.
type Row struct {
	X      []float64 // the vector; float32 values
	Tokens int       // that the model saw
	Cut    int       // tokens of the text after those
	FLOPs  float64
}

// LayerError says that the model has no such layer.
type LayerError struct{ Layer, Layers int }

func (e *LayerError) Error() string {
	return fmt.Sprintf("layer %d is not one of the model's 0 to %d, nor -1 for the last", e.Layer, e.Layers)
}

// Extractor computes vectors, or reads them from the cache. The model is loaded
// only when it is needed.
type Extractor struct {
	o   Options
	e   compute.Engine // with m
	m   network        // nil: not loaded
	tok *tokenizer.Tokenizer
}

// New makes an Extractor.
func New(o Options) (*Extractor, error) {
	if !slices.Contains([]string{CLS, Last, Mean, Both}, o.Pooling) {
		return nil, fmt.Errorf("pooling %q is none of %s, %s, %s and %s", o.Pooling, CLS, Last, Mean, Both)
	}
	if o.Engine == "" {
		o.Engine = "cpu"
	}
	return &Extractor{o: o}, nil
}

// Size loads the model and gives its number of weights and the length of a vector.
func (x *Extractor) Size() (params int64, width int, err error) {
	if err := x.load(); err != nil {
		return 0, 0, err
	}
	width, _ = x.m.sizes()
	if x.o.Pooling == Both {
		width *= 2
	}
	return x.m.ParamCount(), width, nil
}

// Tokens loads the model and counts the tokens of a text, before any cut.
func (x *Extractor) Tokens(text string) (int, error) {
	if err := x.load(); err != nil {
		return 0, err
	}
	return len(x.tok.Encode(text, true)), nil
}

// Close frees the model and its engine.
func (x *Extractor) Close() {
	if x.m != nil {
		x.m.Free()
		compute.Close(x.e)
		x.m, x.e = nil, nil
	}
}

// batchTokens bounds one forward pass.
const batchTokens = 4096

// Rows gives the vector of each text. progress, which may be nil, is called
// between forward passes with the number of texts done; its error ends the work.
func (x *Extractor) Rows(ctx context.Context, texts []string, progress func(done int) error) ([]Row, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	path := x.cachePath(texts)
	if path != "" {
		if rows, err := readRows(path, len(texts)); err != nil || rows != nil {
			return rows, err
		}
	}
	rows, err := x.compute(ctx, texts, progress)
	if err != nil || path == "" {
		return rows, err
	}
	return rows, writeRows(path, rows)
}

func (x *Extractor) load() (err error) {
	if x.m != nil {
		return nil
	}
	if x.tok, err = tokenizer.Load(x.o.Model); err != nil {
		return err
	}
	e, err := compute.OpenPrecise(x.o.Engine, x.o.Precision, x.o.Threads)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			compute.Close(e)
		}
	}()
	m, err := open(x.o.Model, e, x.o.Pooling)
	if err != nil {
		return err
	}
	_, layers := m.sizes()
	if x.o.Layer < -1 || x.o.Layer > layers {
		m.Free()
		return &LayerError{x.o.Layer, layers}
	}
	x.e, x.m = e, m
	return nil
}

func (x *Extractor) compute(ctx context.Context, texts []string, progress func(done int) error) ([]Row, error) {
	if err := x.load(); err != nil {
		return nil, err
	}
	limit := x.m.ContextLength()
	if x.o.MaxLength > 0 {
		limit = min(limit, x.o.MaxLength)
	}
	var rows []Row
	for len(rows) < len(texts) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if progress != nil {
			if err := progress(len(rows)); err != nil {
				return nil, err
			}
		}
		var seqs [][]int
		for n, at := 0, len(rows); at < len(texts) && (n < batchTokens || len(seqs) == 0); at++ {
			ids := x.tok.Encode(texts[at], true)
			if len(ids) == 0 {
				return nil, fmt.Errorf("text %d encodes to no tokens", at+1)
			}
			keep := min(len(ids), limit)
			rows = append(rows, Row{Tokens: keep, Cut: len(ids) - keep})
			seqs = append(seqs, x.m.cut(ids, keep))
			n += keep
		}
		if err := x.forward(seqs, rows[len(rows)-len(seqs):]); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// forward fills in the vectors of rows from one pass over their tokens.
func (x *Extractor) forward(seqs [][]int, rows []Row) error {
	c, layers := x.m.sizes()
	layer := x.o.Layer
	if layer == -1 {
		layer = layers
	}
	t := autograd.NewTape(x.m.Engine(), false)
	defer t.Release()
	lens, tokens := make([]int, len(seqs)), 0
	for i, s := range seqs {
		lens[i] = len(s)
		tokens += len(s)
	}
	err := autograd.Catch(func() {
		hidden := x.m.hidden(t, seqs, layer)
		var parts [][]float32
		switch x.o.Pooling {
		case CLS:
			parts = append(parts, encoder.Pool(t, hidden, lens, encoder.CLS).Value())
		case Last, Both:
			ends, at := make([]int32, len(seqs)), 0
			for i, n := range lens {
				at += n
				ends[i] = int32(at - 1)
			}
			parts = append(parts, t.Rows(hidden, ends).Value())
		}
		if x.o.Pooling == Mean || x.o.Pooling == Both {
			parts = append(parts, t.SegmentMean(hidden, lens).Value())
		}
		for i := range rows {
			for _, part := range parts {
				for _, v := range part[i*c : (i+1)*c] {
					rows[i].X = append(rows[i].X, float64(v))
				}
			}
		}
	})
	perToken := float64(t.FLOPs()) / float64(tokens)
	for i, s := range seqs {
		rows[i].FLOPs = perToken * float64(len(s))
	}
	return err
}
