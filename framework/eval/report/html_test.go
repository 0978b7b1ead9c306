package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"html"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

// balanced fails where an element is not closed.
func balanced(t *testing.T, page string) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(page))
	dec.Strict, dec.AutoClose, dec.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		if _, err := dec.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("the page's markup: %v", err)
		}
	}
}

func TestHTMLHasEverything(t *testing.T) {
	c := study(3)
	in := Inputs{Settings: []Setting{{"base model", "tiny"}}, Curves: curves(), Samples: []Sample{{Label: "icl", Task: "capitals", Item: "i7", Prompt: "France?", Answer: "Lyon", Reference: "Paris", Score: 0.25},
		{Label: "lora", Task: "capitals", Item: "i7", Prompt: "France?", Answer: "Paris!", Reference: "Paris", Score: 1}}}
	var b bytes.Buffer
	if err := HTML(&b, c, in, drawAll(t, c, in.Curves)); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	balanced(t, page)
	want := []string{"tiny", "France?", "Lyon", "Paris!", "0.250", "<svg"}
	d := newDocument(c)
	for _, g := range []grid{d.Scores, d.Costs, d.Forgetting} {
		for _, r := range g.Rows {
			want = append(want, r.Name)
			for _, cell := range r.Cells {
				want = append(want, strings.Split(cell.Main, "\n")...)
				want = append(want, cell.Detail)
			}
		}
	}
	want = append(append(want, d.Footnotes...), d.Notes...)
	for _, g := range d.Claims {
		want = append(append(want, g.Title), g.Lines...)
		for _, cl := range g.All {
			want = append(want, cl.Text, pValue(cl.P), pValue(cl.HolmP))
		}
	}
	for _, r := range runs(c) {
		want = append(want, r.Run)
	}
	for _, w := range want {
		if !strings.Contains(html.UnescapeString(page), w) {
			t.Errorf("the page lacks %q", w)
		}
	}
	for _, outside := range []string{"<script", "<link", "src=", "@import", "url("} {
		if strings.Contains(page, outside) {
			t.Errorf("the page is not self-contained: %s", outside)
		}
	}
	if strings.Count(page, "France?") != 1 {
		t.Error("the prompt of one item stands more than once")
	}
}

// TestHostileNames puts markup in every text that comes from outside.
func TestHostileNames(t *testing.T) {
	const evil = "<script>alert(\"x\")</script>|*b*_i_\x1b[31m"
	c := compare.Compare([]compare.Result{
		{RunID: evil, Method: "m", Label: evil, Task: evil, Metric: evil, Value: 0.5, Seed: 1, Cost: compare.Cost{FLOPs: 1, ExtraSupervision: map[string]int{evil: 1}}},
		{RunID: "b", Method: "n", Task: evil, Metric: evil, Value: 0.25, Seed: 1},
		{RunID: "c", Method: "o", Task: evil, Metric: evil, Status: compare.Failed, Reason: evil},
	}, compare.Options{})
	in := Inputs{Title: evil, Settings: []Setting{{evil, evil}}, Curves: []Curve{{Label: evil, Task: evil, Metric: evil, Steps: []int64{1, 2}, Values: []float64{1, 2}}},
		Samples: []Sample{{Label: evil, Task: evil, Item: evil, Prompt: evil, Answer: evil, Reference: evil}}}
	dir := t.TempDir()
	if err := Write(dir, c, in); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"report.html", "table.md", "figures/scores.svg", "figures/cost.svg", "figures/curves-scriptalertxscriptb_i_31m.1.svg"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("<script")) {
			t.Errorf("%s: markup from a name gets through", name)
		}
		if strings.HasSuffix(name, ".svg") {
			labels(t, &Figure{Name: name, SVG: data})
		}
	}
	var text strings.Builder
	if err := Text(&text, c, TextOptions{}); err != nil || strings.Contains(text.String(), "\x1b") {
		t.Errorf("a colour code from a name gets through (%v)", err)
	}
	md, _ := os.ReadFile(filepath.Join(dir, "table.md"))
	if !bytes.Contains(md, []byte(`\|\*b\*\_i\_`)) {
		t.Error("table.md: markup is not escaped")
	}
	page, _ := os.ReadFile(filepath.Join(dir, "report.html"))
	balanced(t, string(page))
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	c := study(3)
	in := Inputs{Title: "T", Settings: []Setting{{"a", "b"}}, Curves: curves()}
	for range 2 { // the second replaces the first
		if err := Write(dir, c, in); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			got = append(got, filepath.ToSlash(rel))
			if info, err := e.Info(); err != nil || info.Size() == 0 || info.Mode().Perm() != 0o644 {
				t.Errorf("%s: %v", rel, info)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"claims.csv", "costs.csv", "figures/cost.png", "figures/cost.svg", "figures/curves-sentiment.png", "figures/curves-sentiment.svg",
		"figures/scores.png", "figures/scores.svg", "report.html", "results.json", "table.csv", "table.md"}
	if !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		compare.Comparison
		Title    string
		Settings []Setting
		Runs     []runRef
	}
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if back.Title != "T" || back.Settings[0] != in.Settings[0] || len(back.Claims) != len(c.Claims) || back.Rows[0].Cells[0].Mean != c.Rows[0].Cells[0].Mean || len(back.Runs) != 129 {
		t.Errorf("results.json lost something: %d claims, %d runs", len(back.Claims), len(back.Runs))
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(file, c, in); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file in the folder's place: %v", err)
	}
}
