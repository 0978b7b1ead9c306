package peft

import (
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

var _ model.Adapter = (*Layer)(nil)

// Apply adds the update: x [N,in] and y [N,out] give
// y + Scale (drop(x) A^T) B^T, [N,out], or with DoRA what turn says.
func (layer *Layer) Apply(t *autograd.Tape, x, y *autograd.Var, _ *model.Linear) *autograd.Var {
	l := layer.of
	if l.off {
		return y
	}
	dropped := l.keyed && l.cfg.Dropout > 0 && t.Training()
	if dropped {
		x = t.Dropout(x, float32(l.cfg.Dropout), layerKey(l.key, layer.index))
	}
	down := t.Linear(x, t.Param(layer.A), nil)                        // [N,r]
	up := t.Linear(t.Scale(down, layer.Scale), t.Param(layer.B), nil) // [N,out]
	if layer.Magnitude != nil {
		return layer.turn(t, x, y, up, dropped)
	}
	return t.Add(y, up)
}

// DropoutKey sets the key of the masks of the next forward pass on a training
// tape; each layer derives its own. Before the first key, and on tapes that do
// not train, nothing is dropped.
func (l *LoRA) DropoutKey(key uint64) { l.keyed, l.key = true, key }

// SetEnabled switches the adapter on (as it is at first) or off; off, the
// model computes what the frozen base does. It has no effect while merged.
func (l *LoRA) SetEnabled(on bool) {
	l.off = !on
	l.place()
}

// layerKey spreads the key of a pass over its layers: the output function of
// splitmix64 (Steele et al. 2014, section 5) on the key plus the layer's
// multiple of its increment.
func layerKey(key, index uint64) uint64 {
	z := key + (index+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
