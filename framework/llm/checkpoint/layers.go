package checkpoint

import (
	"fmt"
	"slices"
)

// Kinds of attention in layer_types.
const (
	fullAttention    = "full_attention"
	slidingAttention = "sliding_attention"
)

// layerTypes reads which layers slide: those of layer_types, or else those that
// the family's rule names. The result is never nil.
func (f *configFields) layerTypes(otherwise func(layer int) bool) []bool {
	out := make([]bool, f.layers)
	kinds := decodeField[[]string](f, "layer_types", nil)
	if kinds != nil && len(kinds) != f.layers {
		f.fail("layer_types", fmt.Sprintf("has %d entries for %d layers", len(kinds), f.layers))
		return out
	}
	for i := range out {
		switch {
		case kinds == nil:
			out[i] = otherwise(i)
		case kinds[i] == slidingAttention:
			out[i] = true
		case kinds[i] != fullAttention:
			f.fail("layer_types", fmt.Sprintf("%q is not supported; supported are %s and %s", kinds[i], fullAttention, slidingAttention))
		}
	}
	return out
}

// needWindow refuses sliding layers without a window, as transformers does, and
// forgets a window that no layer uses.
func (f *configFields) needWindow(c *Config) {
	switch slides := slices.Contains(c.Sliding, true); {
	case slides && c.SlidingWindow == 0:
		f.fail("sliding_window", "is null or switched off, but layer_types has sliding layers")
	case !slides:
		c.SlidingWindow, c.Sliding = 0, nil
	}
}

// layerTypes is what config.json says of the layers.
func layerTypes(c Config) []string {
	out := make([]string, c.Layers)
	for i := range out {
		out[i] = fullAttention
		if c.Window(i) > 0 {
			out[i] = slidingAttention
		}
	}
	return out
}

// optional reads a size that null switches off: 0.
func (f *configFields) optional(name string, otherwise int) int {
	if f.off(name) {
		return 0
	}
	return f.int(name, otherwise)
}

// optionalNum is optional for a number.
func (f *configFields) optionalNum(name string, otherwise float64) float64 {
	if f.off(name) {
		return 0
	}
	return f.num(name, otherwise)
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
