package report

import (
	"image/color"
	"maps"
	"math"
	"slices"
)

// meanCurve is the mean over seeds at the steps that all of them have; at a
// step that one lacks it is NaN, a gap. Of two values of one seed at one step
// the later counts: a resumed run went over it again.
func meanCurve(seeds []Curve) Curve {
	sums := map[int64]float64{}
	counts := map[int64]int{}
	for _, k := range seeds {
		last := map[int64]float64{}
		for i, step := range k.Steps {
			last[step] = k.Values[i]
		}
		for step, v := range last { // each step once, so that the order is of no account
			sums[step] += v
			counts[step]++
		}
	}
	out := Curve{Steps: slices.Sorted(maps.Keys(sums))}
	for _, step := range out.Steps {
		v := sums[step] / float64(len(seeds))
		if counts[step] != len(seeds) {
			v = math.NaN()
		}
		out.Values = append(out.Values, v)
	}
	return out
}

type point struct {
	step  int64
	value float64
}

// drawnPoints is how many points of a curve are drawn at most, about two for
// each dot of a panel.
const drawnPoints = 1000

// parts are the stretches of finite values. A long curve is thinned: of each
// run of steps it keeps the lowest and the highest value, so that a spike
// stays in sight.
func parts(k Curve) [][]point {
	var out [][]point
	gap := true
	for i, v := range k.Values {
		if !finite(v) {
			gap = true
			continue
		}
		if gap {
			out, gap = append(out, nil), false
		}
		out[len(out)-1] = append(out[len(out)-1], point{k.Steps[i], v})
	}
	for i := range out {
		out[i] = thin(out[i], max(2, drawnPoints*len(out[i])/max(1, len(k.Values))))
	}
	return out
}

func thin(ps []point, n int) []point {
	if len(ps) <= n {
		return ps
	}
	bins := max(1, n/2)
	var out []point
	for b := range bins {
		bin := ps[b*len(ps)/bins : (b+1)*len(ps)/bins]
		low, high := 0, 0
		for i, p := range bin {
			if p.value < bin[low].value {
				low = i
			}
			if p.value > bin[high].value {
				high = i
			}
		}
		out = append(out, bin[min(low, high)])
		if low != high {
			out = append(out, bin[max(low, high)])
		}
	}
	return out
}

// pale mixes a colour with white, half and half.
func pale(c color.Color) color.Color {
	r, g, b, _ := c.RGBA()
	half := func(v uint32) uint8 { return uint8((v>>8 + 0xff) / 2) }
	return color.RGBA{half(r), half(g), half(b), 0xff}
}
