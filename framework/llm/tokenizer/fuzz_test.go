package tokenizer

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// hostile are files that would take more memory or time than their size
// warrants, or lead out of bounds, and the error that each gives.
var hostile = map[string]string{
	`{"model":{"type":"BPE","vocab":{"a":16777215},"merges":[]}}`:                                                                                                                                          `token "a": id 16777215 is out of range for 1 tokens`,
	`{"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}}`:                                                                                                                                                `token "a": id -1 is out of range`,
	`{"model":{"type":"BPE","vocab":{"a":4294967296,"aa":1},"merges":["a a"]}}`:                                                                                                                            `token "a": id 4294967296 is out of range`,
	`{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"added_tokens":[{"id":99999999,"content":"x"}]}`:                                                                                                  `added_tokens[0] ("x"): id 99999999, but the next`,
	withModel(`"normalizer":` + strings.Repeat(`{"type":"Sequence","normalizers":[`, 9) + `{"type":"NFC"}` + strings.Repeat(`]}`, 9)):                                                                      `Sequences nested more than 8 deep`,
	withModel(`"normalizer":{"type":"Sequence","normalizers":[` + strings.Repeat(`{"type":"Replace","pattern":{"String":"a"},"content":"aa"},`, 60) + `{"type":"NFC"}]}`):                                  `times longer, more than the 10000 allowed`,
	withModel(`"decoder":{"type":"Replace","pattern":{"String":"a"},"content":"` + strings.Repeat("x", 20_000) + `"}`):                                                                                     `decoder (Replace): would make a text up to 2e+04 times longer`,
	withModel(`"normalizer":{"type":"Prepend","prepend":"` + strings.Repeat("x", 20_000) + `"}`):                                                                                                           `normalizer (Prepend): would make a text up to 2e+04 times longer`,
	withModel(`"normalizer":{"type":"Precompiled","precompiled_charsmap":"AAAA"}`):                                                                                                                         `precompiled_charsmap: is cut off`,
	withModel(`"normalizer":{"type":"Precompiled","precompiled_charsmap":"/////w=="}`):                                                                                                                     `says that its array has 4294967295 bytes`,
	withModel(`"normalizer":{"type":"Replace","pattern":{"Regex":"\\p{L}{999}"},"content":""}`):                                                                                                            `repetition "{999}" is not known`,
	withModel(`"normalizer":{"type":"Replace","pattern":{"Regex":"((a{9}){9}){9}"},"content":""}`):                                                                                                         `repetition "{9}){9" is not known`,
	withModel(`"normalizer":{"type":"Replace","pattern":{"Regex":"` + strings.Repeat(`\\s`, 9) + `"},"content":""}`):                                                                                       `more than 200 bytes or 8 classes`,
	withModel(`"pre_tokenizer":{"type":"Sequence","pretokenizers":[` + strings.Repeat(`{"type":"Split","pattern":{"Regex":"a"},"behavior":"Isolated"},`, 33) + `null]}`):                                   `more than 32 patterns Regex`,
	withModel(`"post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"Sequence":{"id":"A"}}],"pair":[],"special_tokens":{}}`):                                                   `Sequence "A" is not one of ["A"], or stands there twice`,
	withModel(`"post_processor":{"type":"TemplateProcessing","single":[` + strings.Repeat(`{"SpecialToken":{"id":"x"}},`, 200) + `{"Sequence":{"id":"A"}}],"special_tokens":{"x":{"ids":[0,0,0,0,0,0]}}}`): `adds more than 1000 special tokens`,
	`{"model":{"type":"Unigram","unk_id":3,"vocab":[["a",0]]}}`:                                                                                                                                            `model.unk_id: must be the place of the unknown token`,
	`{"model":{"type":"Unigram","unk_id":0,"vocab":[["a"]]}}`:                                                                                                                                              `model.vocab[0]: expected a token and its score`,
	`{"model":{"type":"WordPiece","vocab":{"a":0},"unk_token":"a","continuing_subword_prefix":"##"}}`:                                                                                                      `model.max_input_chars_per_word: is missing`,
	`{"version":"2.0","model":{}}`: `version: "2.0" is not supported`,
	`[]`:                           `found an array, expected an object`,
	"\xef\xbb\xbf{}":               `byte order mark`,
	`{}`:                           `model: is missing`,
}

func withModel(rest string) string {
	return `{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},` + rest + `}`
}

func TestHostileFiles(t *testing.T) {
	for file, want := range hostile {
		_, err := build(files{File: []byte(file)}, "dir")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "tokenizer.json") {
			t.Errorf("%.150s: got %v, want %q", file, err, want)
		}
	}
}

func addFixtures(f *testing.F) {
	paths, _ := filepath.Glob("testdata/*/" + File)
	if len(paths) == 0 {
		f.Fatal("no tokenizers in testdata")
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
}

// FuzzLoad: any file gives a tokenizer or an error, allocates in proportion to
// its size, and a tokenizer that it gives encodes and decodes any text.
func FuzzLoad(f *testing.F) {
	addFixtures(f)
	for file := range hostile {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		tok, err := build(files{File: file}, "")
		runtime.ReadMemStats(&after)
		if used, most := after.TotalAlloc-before.TotalAlloc, uint64(16<<20+200*len(file)); used > most {
			t.Errorf("%d bytes for a file of %d", used, len(file))
		}
		if err != nil {
			return
		}
		const text = " Hello,  it's 12\r\n東京 e\u0301 ﬁ <s> [MASK]\x00 🙂"
		use(t, tok, text)
	})
}

// use encodes and decodes and checks that all ids are known.
func use(t *testing.T, tok *Tokenizer, text string) {
	pair := tok.EncodePair(text, "x", true)
	if len(pair.IDs) != len(pair.Types) {
		t.Errorf("%d ids, %d types", len(pair.IDs), len(pair.Types))
	}
	ids := tok.Encode(text, false)
	for _, id := range ids {
		if id < 0 || id >= tok.VocabSize() {
			t.Errorf("%q: id %d of %d", text, id, tok.VocabSize())
		}
	}
	tok.Decode(ids, false)
	tok.Decode(pair.IDs, true)
}

// FuzzEncode: every fixture takes every text, and gives the same ids again, when
// its words are known.
func FuzzEncode(f *testing.F) {
	paths, _ := filepath.Glob("testdata/*/" + File)
	var all []*Tokenizer
	for _, path := range paths {
		tok, err := Load(filepath.Dir(path))
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, tok)
	}
	for _, s := range []string{"", " a  b\n", "it's 12", "\xff\xc3", "日本 \u00a0x", "e" + strings.Repeat("\u0301", 40), strings.Repeat("ab", 60), "[MASK] <mask>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for i, tok := range all {
			use(t, tok, s)
			if first, again := tok.Encode(s, true), tok.Encode(s, true); numbers(first) != numbers(again) {
				t.Errorf("%s: %q: %v, then %v", paths[i], s, first, again)
			}
		}
	})
}
