package checkpoint

import "slices"

// Kinds of attention in layer_types.
const (
	FullAttention    = "full_attention"
	SlidingAttention = "sliding_attention"
)

// Sliding reads which of the layers see a window alone: those of layer_types, or
// else those that the family's rule names. The result is never nil.
func (f *Fields) Sliding(layers int, otherwise func(layer int) bool) []bool {
	out := make([]bool, max(layers, 0))
	kinds := DecodeField[[]string](f, "layer_types", nil)
	if kinds != nil && len(kinds) != layers {
		f.Fail("layer_types", "has %d entries for %d layers", len(kinds), layers)
		return out
	}
	for i := range out {
		switch {
		case kinds == nil:
			out[i] = otherwise(i)
		case kinds[i] == SlidingAttention:
			out[i] = true
		case kinds[i] != FullAttention:
			f.Fail("layer_types", "%q is not supported; supported are %s and %s", kinds[i], FullAttention, SlidingAttention)
		}
	}
	return out
}

// needWindow refuses sliding layers without a window, as transformers does, and
// forgets a window that no layer uses.
func (f *Fields) needWindow(c *Config) {
	switch slides := slices.Contains(c.Sliding, true); {
	case slides && c.SlidingWindow == 0:
		f.Fail("sliding_window", "is null or switched off, but layer_types has sliding layers")
	case !slides:
		c.SlidingWindow, c.Sliding = 0, nil
	}
}

// layerTypes is what config.json says of the layers.
func layerTypes(c Config) []string {
	out := make([]string, c.Layers)
	for i := range out {
		out[i] = FullAttention
		if c.Window(i) > 0 {
			out[i] = SlidingAttention
		}
	}
	return out
}

// optional reads a size that null switches off: 0.
func (f *Fields) optional(name string, otherwise int) int {
	if f.Null(name) {
		return 0
	}
	return f.Int(name, otherwise)
}

// optionalNum is optional for a number.
func (f *Fields) optionalNum(name string, otherwise float64) float64 {
	if f.Null(name) {
		return 0
	}
	return f.Num(name, otherwise)
}

func optional(v int) any {
	if v == 0 {
		return nil
	}
	return v
}

func optionalNum(v float64) any {
	if v == 0 {
		return nil
	}
	return v
}

func orNil(v []bool) []bool {
	if !slices.Contains(v, true) {
		return nil
	}
	return v
}
