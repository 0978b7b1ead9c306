package tokenizer

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// folder copies a fixture's tokenizer.json with some top-level fields replaced.
func folder(t *testing.T, fixture string, changes map[string]string, extra map[string]string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", fixture, File))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	for k, v := range changes {
		m[k] = json.RawMessage(v)
	}
	dir := t.TempDir()
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	extra = maps.Clone(extra)
	if extra == nil {
		extra = map[string]string{}
	}
	extra[File] = string(out)
	for name, s := range extra {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestUnsupportedComponentsAreRefusedByName(t *testing.T) {
	for _, c := range []struct{ field, value, want string }{
		{"normalizer", `{"type":"BertNormalizer"}`, `normalizer: component "BertNormalizer" is not supported`},
		{"normalizer", `{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Nmt"}]}`, `normalizer.normalizers[1]: component "Nmt"`},
		{"normalizer", `{"type":"Replace","pattern":{"Regex":"a+"},"content":""}`, `normalizer (Replace): pattern Regex "a+"`},
		{"pre_tokenizer", `{"type":"Whitespace"}`, `pre_tokenizer: component "Whitespace"`},
		{"pre_tokenizer", `{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"x"}}]}`, `pre_tokenizer.pretokenizers[0]: component "Split"`},
		{"post_processor", `{"type":"RobertaProcessing"}`, `post_processor: component "RobertaProcessing"`},
		{"post_processor", `{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<x>"}}],"special_tokens":{}}`, `post_processor.single[0]: "<x>" is not in special_tokens`},
		{"post_processor", `{"type":"TemplateProcessing","single":[],"special_tokens":{}}`, `has no Sequence A`},
		{"decoder", `{"type":"WordPiece"}`, `decoder: component "WordPiece"`},
		{"decoder", `7`, `decoder: expected an object with a type`},
		{"model", `{"type":"Unigram","vocab":[]}`, `model`},
		{"model", `{"type":"WordLevel","vocab":{"a":0}}`, `model: type "WordLevel" is not supported`},
		{"model", `{"type":"BPE","vocab":{"a":0},"merges":[],"dropout":0.1}`, `model.dropout: 0.1`},
		{"model", `{"type":"BPE","vocab":{"a":0},"merges":[],"end_of_word_suffix":"</w>"}`, `model.end_of_word_suffix: "</w>"`},
		{"model", `{"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b"]}`, `model.merges[0]: token "ab" is not in the vocabulary`},
		{"model", `{"type":"BPE","vocab":{"a":0,"b":1},"merges":["ab"]}`, `model.merges[0]: expected two tokens`},
		{"model", `{"type":"BPE","vocab":{"a":0,"b":0},"merges":[]}`, `token "b": id 0 is also that of "a"`},
		{"model", `{"type":"BPE","vocab":{},"merges":[]}`, `model.vocab: is missing or empty`},
		{"added_tokens", `[{"id":900,"content":"«x»"},{"id":900,"content":"«y»"}]`, `added_tokens[1] ("«y»"): id 900 is also that of "«x»"`},
		{"added_tokens", `[{"id":0,"content":""}]`, `added_tokens[0]: content is empty`},
	} {
		dir := folder(t, "digits", map[string]string{c.field: c.value}, nil)
		_, err := Load(dir)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), filepath.Join(dir, File)) {
			t.Errorf("%s = %s: got %v, want %q", c.field, c.value, err, c.want)
		}
	}
	if _, err := Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "tokenizer.json: is missing") {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestSpecialTokensAndTemplate(t *testing.T) {
	for _, c := range []struct {
		name          string
		extra         map[string]string
		bos, eos, pad int
		source        string
		template      string
	}{
		{"declared", map[string]string{ConfigFile: `{"bos_token":"<s>","eos_token":{"content":"</s>"},"pad_token":"<pad>","chat_template":"T"}`}, 1, 2, 0, ConfigFile, "T"},
		{"pad falls back to eos", map[string]string{ConfigFile: `{"eos_token":"</s>","bos_token":null}`}, -1, 2, 2, "eos (none declared)", ""},
		{"nothing", nil, -1, -1, 0, "0 (none declared)", ""},
		{"config.json", map[string]string{"config.json": `{"bos_token_id":1,"eos_token_id":[2,7],"pad_token_id":5}`}, 1, 2, 5, "config.json", ""},
		{"map", map[string]string{"special_tokens_map.json": `{"eos_token":"</s>"}`, "config.json": `{"eos_token_id":9}`}, -1, 2, 2, "eos (none declared)", ""},
		{"named templates", map[string]string{ConfigFile: `{"chat_template":[{"name":"tool","template":"A"},{"name":"default","template":"B"}]}`}, -1, -1, 0, "0 (none declared)", "B"},
		{"jinja file", map[string]string{ConfigFile: `{"chat_template":"A"}`, "chat_template.jinja": "C"}, -1, -1, 0, "0 (none declared)", "C"},
	} {
		tok, err := Load(folder(t, "digits", nil, c.extra))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		text, hash := tok.ChatTemplate()
		if tok.BOS() != c.bos || tok.EOS() != c.eos || tok.PAD() != c.pad || tok.PADSource() != c.source || text != c.template {
			t.Errorf("%s: bos %d eos %d pad %d (%s) template %q", c.name, tok.BOS(), tok.EOS(), tok.PAD(), tok.PADSource(), text)
		}
		if (text == "") != (hash == "") {
			t.Errorf("%s: hash %q of template %q", c.name, hash, text)
		}
	}
	_, err := Load(folder(t, "digits", nil, map[string]string{ConfigFile: `{"eos_token":"<eot>"}`}))
	if err == nil || !strings.Contains(err.Error(), `eos_token: token "<eot>" is not in the vocabulary`) {
		t.Errorf("unknown eos: %v", err)
	}
}

func TestSaveGivesTheSameTokenizer(t *testing.T) {
	tok, err := Load("testdata/gpt2")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := tok.Save(dir); err != nil {
		t.Fatal(err)
	}
	back, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if back.Hash() != tok.Hash() || back.EOS() != tok.EOS() {
		t.Errorf("hash %s, then %s", tok.Hash(), back.Hash())
	}
	other, err := Load("testdata/prefix")
	if err != nil {
		t.Fatal(err)
	}
	if other.Hash() == tok.Hash() {
		t.Error("two tokenizers have one hash")
	}
}

func TestEncodeIsConcurrent(t *testing.T) {
	tok, err := Load("testdata/gpt2")
	if err != nil {
		t.Fatal(err)
	}
	const text = "The quick brown fox jumps over 100 lazy dogs"
	want := tok.Encode(text, true)
	fresh, err := Load("testdata/gpt2")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got := fresh.Encode(text, true); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	wg.Wait()
}

// FuzzRoundTrip: a byte-level tokenizer without a normaliser gives every valid
// text back.
func FuzzRoundTrip(f *testing.F) {
	tok, err := Load("testdata/gpt2")
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"", " a  b\n", "it's 12", "\xff\xc3", "日本 \u00a0x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ReplaceAll(s, "[MASK]", "") // it takes the white space around it
		want := strings.ToValidUTF8(s, "\ufffd")
		if got := tok.Decode(tok.Encode(s, true), false); got != want {
			t.Errorf("%q came back as %q", want, got)
		}
	})
}
