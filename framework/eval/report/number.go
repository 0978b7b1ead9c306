package report

import (
	"fmt"
	"math"
	"strconv"

	"github.com/tunelab/tunelab/framework/eval/compare"
	"github.com/tunelab/tunelab/framework/eval/stats"
)

// decimalsOf is how many places column j shows: one for points; else as many
// as give each mean three significant digits and each interval's width two,
// but no more than give the largest mean five.
func decimalsOf(c *compare.Comparison, j int) int {
	if c.Columns[j].Percent {
		return 1
	}
	digits, largest := 0, 0.0
	for _, r := range c.Rows {
		if r.Cells[j].State != compare.Finished {
			continue
		}
		mean, i := r.Cells[j].Mean, r.Cells[j].Interval
		digits, largest = max(digits, decimals(mean, 3)), max(largest, math.Abs(mean))
		if i != nil && i.High > i.Low {
			digits = max(digits, decimals(i.High-i.Low, 2))
		}
	}
	return min(digits, decimals(largest, 5))
}

// score writes a mean and its interval with a column's places; a small mean
// gets two significant digits all the same.
func score(col compare.Column, digits int, mean float64, i *stats.Interval) (main, interval string) {
	factor := 1.0
	if col.Percent {
		factor = 100
	} else if mean != 0 {
		digits = max(digits, decimals(mean, 2))
	}
	main = fixed(factor*mean, digits)
	if i != nil {
		interval = "[" + fixed(factor*i.Low, digits) + ", " + fixed(factor*i.High, digits) + "]"
	}
	return main, interval
}

// signed writes a difference with its sign: points for shares.
func signed(col compare.Column, v float64) string {
	if col.Percent {
		return fmt.Sprintf("%+.1f", 100*v)
	}
	if v < 0 {
		return fixed(v, decimals(v, 3))
	}
	return "+" + fixed(v, decimals(v, 3))
}

// decimals is how many places show v with the given significant digits, from
// 0 to 6.
func decimals(v float64, significant int) int {
	if v == 0 {
		return significant - 1
	}
	return min(6, max(0, significant-1-int(math.Floor(math.Log10(math.Abs(v))))))
}

func fixed(v float64, digits int) string {
	if math.Abs(v) >= 1e7 || v != 0 && math.Abs(v) < 1e-5 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	if s := strconv.FormatFloat(v, 'f', digits, 64); s != "-"+strconv.FormatFloat(0, 'f', digits, 64) {
		return s
	}
	return strconv.FormatFloat(0, 'f', digits, 64) // no negative zero from rounding
}

// count writes a count with three significant digits from ten thousand on:
// 9512, 12.3k, 4.56M.
func count(v float64) string {
	if v < 1e4 {
		return strconv.FormatFloat(math.Round(v), 'f', -1, 64)
	}
	return scaled(v, 1000, []string{"", "k", "M", "G", "T", "P", "E"})
}

// flops writes operations with an SI prefix: 1.23T.
func flops(v float64) string {
	return scaled(v, 1000, []string{"", "k", "M", "G", "T", "P", "E", "Z", "Y"})
}

func bytesOf(v int64) string {
	if v == 0 {
		return "0"
	}
	return scaled(float64(v), 1024, []string{" B", " KiB", " MiB", " GiB", " TiB", " PiB"})
}

func seconds(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 0.01:
		return "<0.01 s"
	case v < 120:
		return fixed(v, min(2, decimals(v, 3))) + " s"
	case v < 7200:
		return fixed(v/60, 1) + " min"
	}
	return fixed(v/3600, 1) + " h"
}

// scaled divides by base until three digits stand before the point. A value
// that would round up to the base takes the next unit.
func scaled(v, base float64, units []string) string {
	i := 0
	for i+1 < len(units) && v >= base-0.5 {
		v /= base
		i++
	}
	if i == 0 {
		return strconv.FormatFloat(v, 'f', -1, 64) + units[0]
	}
	return strconv.FormatFloat(v, 'f', min(2, decimals(v, 3)), 64) + units[i]
}
