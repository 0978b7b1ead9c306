package report

import (
	"bytes"
	"encoding/csv"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden compares every text form with testdata. One seed gives claims
// about runs, three give none, twelve give claims about methods.
func TestGolden(t *testing.T) {
	one, three, twelve := study(1), study(3), study(12)
	plain := func(w io.Writer, c *compare.Comparison) error { return Text(w, c, TextOptions{}) }
	narrow := func(w io.Writer, c *compare.Comparison) error { return Text(w, c, TextOptions{Width: 60}) }
	for _, g := range []struct {
		name  string
		c     *compare.Comparison
		write func(io.Writer, *compare.Comparison) error
	}{
		{"one-seed.txt", one, plain}, {"three-seeds.txt", three, plain}, {"twelve-seeds.txt", twelve, plain}, {"narrow.txt", three, narrow},
		{"twelve-seeds.md", twelve, Markdown}, {"scores.csv", three, ScoresCSV}, {"costs.csv", three, CostsCSV}, {"claims.csv", one, ClaimsCSV},
	} {
		t.Run(g.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := g.write(&b, g.c); err != nil {
				t.Fatal(err)
			}
			got := b.String()
			if strings.HasSuffix(g.name, ".csv") {
				got = rounded(t, got)
			}
			path := filepath.Join("testdata", g.name)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got == string(want) {
				return
			}
			a, b2 := strings.Split(got, "\n"), strings.Split(string(want), "\n")
			for i := range max(len(a), len(b2)) {
				if i >= len(a) || i >= len(b2) || a[i] != b2[i] {
					t.Fatalf("%s differs from line %d on (go test -update writes it anew)\n got: %q\nwant: %q", path, i+1, a[min(i, len(a)-1)], b2[min(i, len(b2)-1)])
				}
			}
		})
	}
}

// rounded keeps nine digits of each number, for other processors may differ
// in the last.
func rounded(t *testing.T, s string) string {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(s)).ReadAll()
	if err != nil {
		t.Fatalf("not readable as CSV: %v", err)
	}
	for _, l := range lines {
		for i, f := range l {
			if v, err := strconv.ParseFloat(f, 64); err == nil && strings.Contains(f, ".") {
				l[i] = strconv.FormatFloat(v, 'g', 9, 64)
			}
		}
	}
	var b strings.Builder
	if err := csv.NewWriter(&b).WriteAll(lines); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextFits(t *testing.T) {
	for _, seeds := range []int{1, 12} {
		for _, width := range []int{120, 80} {
			var b strings.Builder
			if err := Text(&b, study(seeds), TextOptions{Width: width}); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(b.String(), "\x1b") {
				t.Error("there are colour codes")
			}
			cost := false // its columns cannot go below 115
			for line := range strings.Lines(b.String()) {
				cost = strings.HasPrefix(line, "Cost") || cost && line != "\n"
				if w := text.StringWidthWithoutEscSequences(strings.TrimRight(line, "\n")); w > width && !(cost && width < 120) {
					t.Errorf("%d seeds: %d columns in %d: %s", seeds, w, width, line)
				}
			}
		}
	}
}

// TestNumbers has the edges of the number forms.
func TestNumbers(t *testing.T) {
	for got, want := range map[string]string{
		count(0): "0", count(9999): "9999", count(10000): "10.0k", count(999_960): "1.00M", count(1234567): "1.23M",
		flops(0): "0", flops(1.5e12): "1.50T", bytesOf(0): "0", bytesOf(512): "512 B", bytesOf(1536): "1.50 KiB", bytesOf(5 << 30): "5.00 GiB",
		seconds(0): "0", seconds(0.001): "<0.01 s", seconds(59.96): "60.0 s", seconds(119): "119 s", seconds(120): "2.0 min", seconds(7200): "2.0 h",
		fixed(-0.0001, 1): "0.0", fixed(1e9, 2): "1e+09", fixed(0.000001, 3): "1e-06",
		tickFLOPs(1e12): "1T", tickFLOPs(1e14): "100T", tickFLOPs(5): "5", tickFLOPs(2e9): "2G",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
