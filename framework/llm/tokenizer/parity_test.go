package tokenizer

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// parityDir is testdata, or a folder that testdata/make_fixtures.py --more
// filled with other texts.
func parityDir() string {
	if dir := os.Getenv("TOKENIZER_PARITY"); dir != "" {
		return dir
	}
	return "testdata"
}

func readJSON(t *testing.T, v any, path ...string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("%s: %v", filepath.Join(path...), err)
	}
}

func parityTexts(t *testing.T) []string {
	var texts []string
	readJSON(t, &texts, parityDir(), "texts.json")
	if len(texts) < 400 {
		t.Fatalf("only %d texts", len(texts))
	}
	return texts
}

func crc(s string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(s))) }

func numbers(ids []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(ids), "[]"), " ", ",")
}

// compare splits want into sums of width characters and reports which of the
// named results differ.
func compare(t *testing.T, what, want string, results ...string) {
	t.Helper()
	if len(want) != 8*len(results) {
		t.Fatalf("%s: %d sums for %d results", what, len(want)/8, len(results))
	}
	for i, r := range results {
		if sum := want[8*i : 8*i+8]; crc(r) != sum {
			t.Errorf("%s: result %d is %q with sum %s, want %s", what, i, r, crc(r), sum)
		}
	}
}

// TestParity compares ids, types, pairs and decoded texts with what Hugging
// Face's tokenizers gave (testdata/make_fixtures.py) for the families' pipelines.
func TestParity(t *testing.T) {
	texts := parityTexts(t)
	dirs, _ := filepath.Glob(filepath.Join(parityDir(), "*", "cases.json"))
	if len(dirs) != 20 {
		t.Fatalf("found %d tokenizers in %s, want 20", len(dirs), parityDir())
	}
	for _, path := range dirs {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			tok, err := Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			var c struct {
				IDs         [][]int
				Sums, Lists []string
				Tokens      string
			}
			readJSON(t, &c, path)
			if len(c.Sums) != len(texts) {
				t.Fatalf("%d cases for %d texts", len(c.Sums), len(texts))
			}
			for i, ids := range c.IDs {
				if got := tok.Encode(texts[i], false); !slices.Equal(got, ids) {
					t.Errorf("%q: ids %v, want %v", texts[i], got, ids)
				}
			}
			for i, text := range texts {
				other := texts[(i+1)%len(texts)]
				full := tok.EncodeTyped(text, true)
				pair, bare := tok.EncodePair(text, other, true), tok.EncodePair(text, other, false)
				compare(t, fmt.Sprintf("%q", text), c.Sums[i], numbers(tok.Encode(text, false)), numbers(full.IDs), numbers(full.Types),
					numbers(pair.IDs), numbers(pair.Types), numbers(bare.IDs), numbers(bare.Types),
					tok.Decode(full.IDs, false), tok.Decode(full.IDs, true))
			}
			n := tok.VocabSize()
			for k, sums := range c.Lists {
				var ids []int
				for j := range k%9 + 1 {
					id := (k*7919 + j*j*104729 + j*31) % n
					if k%2 == 1 {
						id = id * 13 % min(n, 262)
					}
					ids = append(ids, id)
				}
				compare(t, fmt.Sprint(ids), sums, tok.Decode(ids, false), tok.Decode(ids, true))
			}
			compare(t, "all tokens", c.Tokens, strings.Join(tok.names, "\n"))
		})
	}
}

// TestComponentParity does the same for every normaliser, pre-tokeniser and
// decoder by itself.
func TestComponentParity(t *testing.T) {
	texts := parityTexts(t)
	var rows []struct {
		Kind string
		Spec json.RawMessage
		Sums string
	}
	readJSON(t, &rows, parityDir(), "components.json")
	if len(rows) < 70 {
		t.Fatalf("only %d components", len(rows))
	}
	for _, row := range rows {
		c, _, err := newComponent(row.Kind, row.Spec)
		if err != nil {
			t.Fatal(err)
		}
		apply, err := stage(c)
		if err != nil {
			t.Errorf("%.200s: %v", row.Spec, err)
			continue
		}
		wrong := 0
		for i, text := range texts {
			got := apply(text)
			if want := row.Sums[4*i : 4*i+4]; crc(got)[4:] != want {
				if wrong++; wrong <= 3 {
					t.Errorf("%.200s: %q gives %q with sum %s, want %s", row.Spec, text, got, crc(got)[4:], want)
				}
			}
		}
		if wrong > 3 {
			t.Errorf("%.200s: and %d more", row.Spec, wrong-3)
		}
	}
}

// stage makes a function of a text of one component.
func stage(c component) (func(string) string, error) {
	switch c.path {
	case "normalizer":
		n, err := newNormalizer(c)
		return n.apply, err
	case "pre_tokenizer":
		words, err := newPreTokenizer(c, false)
		return func(s string) string {
			var out []string
			if s == "" {
				return "" // a Tokenizer has no empty pieces
			}
			words(s, true, func(w string, _ bool) {
				if w != "" {
					out = append(out, w)
				}
			})
			return strings.Join(out, "\n")
		}, err
	}
	d, _, err := newDecoder(c)
	return func(s string) string {
		var tokens []string
		for rs, i := []rune(s), 0; i < len(rs); {
			n := min(1+(i+2)%4, len(rs)-i)
			tokens = append(tokens, string(rs[i:i+n]))
			i += n
		}
		return strings.Join(d(tokens), "")
	}, err
}
