package peft

import (
	"fmt"
	"math"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// base is a layer's own weight while a merged one stands in its place.
type base struct {
	w      *autograd.Param
	frozen *autograd.NF4
}

// Merge replaces the weight of each adapted layer by W + Scale B A (with DoRA,
// rows of the learned lengths) and takes
// the adapter off the layers, so that the model runs and saves without it. The
// base weights are kept aside untouched. A layer in NF4 is dequantised and
// merged in f32 (a 4-bit result would change the answers); its memory grows
// accordingly. Merging into a tied output layer would change the embedding
// too and is an error, which leaves the model as it was.
func (l *LoRA) Merge() error {
	if l.merged {
		return fmt.Errorf("merge: the adapter is already merged")
	}
	for _, layer := range l.layers {
		if layer.Linear.W != nil && layer.Linear.W == l.m.Embedding() {
			return fmt.Errorf("merge: module %s shares its weight with the token embedding (tie_word_embeddings); merging would change the embedding: keep the adapter unmerged, or untie the model first", layer.Linear.Name)
		}
	}
	weights := make([][]float32, len(l.layers))
	for i, layer := range l.layers {
		if err := autograd.Catch(func() { weights[i] = layer.mergedWeight() }); err != nil {
			return fmt.Errorf("merge module %s: %w", layer.Linear.Name, err)
		}
	}
	for i, layer := range l.layers {
		lin := layer.Linear
		layer.base = base{w: lin.W, frozen: lin.Frozen}
		lin.W = autograd.NewParam(l.m.Engine(), lin.Name+".weight", []int{lin.Out, lin.In}, weights[i])
		lin.W.Trainable = false
		lin.Frozen, lin.Adapt = nil, nil
	}
	l.merged = true
	l.place()
	return nil
}

// mergedWeight is W + Scale B A, [out,in], with DoRA each row at its length.
func (layer *Layer) mergedWeight() []float32 {
	t := autograd.NewTape(layer.A.Engine(), false)
	defer t.Release()
	w := layer.updated(t)
	if layer.Magnitude != nil {
		w = t.MulCol(w, t.Div(t.Param(layer.Magnitude), rowNorm(t, w)))
	}
	return w.Value()
}

// Unmerge puts the base weights back, bit for bit, and the adapter on its
// layers. It does nothing when the adapter is not merged.
func (l *LoRA) Unmerge() {
	if !l.merged {
		return
	}
	for _, layer := range l.layers {
		layer.Linear.W.Free()
		layer.Linear.W, layer.Linear.Frozen = layer.base.w, layer.base.frozen
		layer.Linear.Adapt = layer
		layer.base = base{}
	}
	l.merged = false
	l.place()
}

// Merged says whether the weights hold the adapter.
func (l *LoRA) Merged() bool { return l.merged }

// SaveMerged writes the model with the adapter merged into its weights to the
// folder dir, in Hugging Face form, and leaves the adapter as it was. Layers
// in NF4 that carry no adapter are an error: dequantise them first.
func (l *LoRA) SaveMerged(dir string) error {
	if !l.merged {
		if err := l.Merge(); err != nil {
			return err
		}
		defer l.Unmerge()
	}
	return l.m.Save(dir)
}

// MergeError is the largest absolute difference of a logit between the
// adapted and the merged model over the tokens of b. The adapter is left
// unmerged. Encoders have no such logits and are an error.
func (l *LoRA) MergeError(b model.Batch) (float64, error) {
	m, ok := l.m.(*model.Model)
	if !ok {
		return 0, fmt.Errorf("merge error: is measured on the logits of a decoder, which a %s is not", l.m.Family())
	}
	defer l.Unmerge()
	worst, at := 0.0, 0
	for _, n := range b.SeqLens { // one sequence at a time: logits are large
		one := model.Batch{IDs: b.IDs[at : at+n], SeqLens: []int{n}}
		at += n
		l.Unmerge()
		want, err := logits(m, one)
		if err != nil {
			return 0, err
		}
		if err := l.Merge(); err != nil {
			return 0, err
		}
		got, err := logits(m, one)
		if err != nil {
			return 0, err
		}
		for i := range want {
			d := math.Abs(float64(got[i]) - float64(want[i]))
			if math.IsNaN(d) {
				return d, nil
			}
			worst = max(worst, d)
		}
	}
	return worst, nil
}

func logits(m *model.Model, b model.Batch) (out []float32, err error) {
	t := autograd.NewTape(m.Engine(), false)
	defer t.Release()
	err = autograd.Catch(func() { out = m.Logits(t, m.Hidden(t, b)).Value() })
	return out, err
}
