package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/kernel/client"
	"github.com/tunelab/tunelab/kernel/notebook"
)

var update = flag.Bool("update", false, "write what gophernotes' notebooks show into their .out files")

// TestGophernotes runs notebooks as they are written for gophernotes, and compares what
// each cell shows with the .out file beside the notebook.
func TestGophernotes(t *testing.T) {
	files, err := filepath.Glob("../../testdata/gophernotes/*.ipynb")
	if err != nil || len(files) == 0 {
		t.Fatal("no notebooks", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".ipynb"), func(t *testing.T) {
			n, err := notebook.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			c, err := client.Start(deadline(t), []string{self(t)}, os.Stderr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := n.Run(deadline(t), c, func(int, int) {}); err != nil {
				t.Error(err)
			}
			written := filepath.Join(t.TempDir(), "n.ipynb")
			if err := n.Write(written); err != nil {
				t.Fatal(err)
			}
			got, want := shown(t, written), strings.TrimSuffix(file, ".ipynb")+".out"
			if *update {
				if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			raw, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(raw) {
				t.Errorf("it shows\n%s\nwant\n%s", got, raw)
			}
		})
	}
}

// shown is what a notebook's code cells show: pictures as their format and size.
func shown(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var n struct {
		Cells []struct {
			Outputs []struct {
				Type  string `json:"output_type"`
				Name  string
				Text  []string
				Data  map[string]any
				EName string
				Value string `json:"evalue"`
			}
		}
	}
	if err := json.Unmarshal(raw, &n); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i, c := range n.Cells {
		fmt.Fprintf(&b, "== cell %d\n", i+1)
		for _, o := range c.Outputs {
			switch o.Type {
			case "stream":
				fmt.Fprintf(&b, "%s: %s", o.Name, strings.Join(o.Text, ""))
			case "error":
				fmt.Fprintf(&b, "%s: %s\n", o.EName, o.Value)
			default:
				fmt.Fprintf(&b, "%s\n", o.Type)
				for _, mime := range slices.Sorted(maps.Keys(o.Data)) {
					fmt.Fprintf(&b, "  %s: %s\n", mime, form(t, mime, o.Data[mime]))
				}
			}
		}
	}
	return b.String()
}

func form(t *testing.T, mime string, v any) string {
	list, _ := v.([]any)
	var b strings.Builder
	for _, line := range list {
		b.WriteString(line.(string))
	}
	s, text := v.(string)
	if s += b.String(); !text && list == nil {
		s = fmt.Sprint(v)
	}
	if size, ok := strings.CutPrefix(s, "image/"); ok { // a picture's text: its size is the encoder's
		s, _, _ = strings.Cut(size, ",")
	}
	if mime != "image/png" && mime != "image/jpeg" {
		return strings.TrimSuffix(s, "\n")
	}
	picture, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s))
	if err != nil {
		t.Fatal(err)
	}
	size, format, err := image.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s of %d x %d", format, size.Width, size.Height)
}
