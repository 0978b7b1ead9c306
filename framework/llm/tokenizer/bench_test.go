package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkEncode encodes the documents of the folder TOKENIZER_BENCH
// (testdata/bench.py makes it and compares with Python), or the texts of testdata,
// with a fresh tokenizer each time.
func BenchmarkEncode(b *testing.B) {
	dir, docs := os.Getenv("TOKENIZER_BENCH"), "docs.json"
	if dir == "" {
		dir, docs = "testdata/llama3", "../texts.json"
	}
	raw, err := os.ReadFile(filepath.Join(dir, docs))
	if err != nil {
		b.Fatal(err)
	}
	var texts []string
	if err := json.Unmarshal(raw, &texts); err != nil {
		b.Fatal(err)
	}
	size := 0
	for _, s := range texts {
		size += len(s)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	tokens := 0
	for b.Loop() {
		b.StopTimer()
		tok, err := Load(dir)
		if err != nil {
			b.Fatal(err)
		}
		tokens = 0
		b.StartTimer()
		for _, s := range texts {
			tokens += len(tok.Encode(s, false))
		}
	}
	b.ReportMetric(float64(tokens), "tokens")
}
