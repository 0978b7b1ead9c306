package tokenizer

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
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
		{"normalizer", `{"type":"BertNormaliser"}`, `normalizer: component "BertNormaliser" is not supported`},
		{"normalizer", `{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Nmd"}]}`, `normalizer.normalizers[1]: component "Nmd"`},
		{"normalizer", `{"type":"Replace","pattern":{"Regex":"^a+"},"content":""}`, `normalizer (Replace): pattern Regex "^a+" is not supported here: "^" is not known`},
		{"normalizer", `{"type":"Replace","pattern":{"Regex":"a*"},"content":""}`, `it matches the empty text`},
		{"normalizer", `{"type":"Replace","content":""}`, `normalizer (Replace): needs a pattern with a String or a Regex`},
		{"pre_tokenizer", `{"type":"UnicodeScripts"}`, `pre_tokenizer: component "UnicodeScripts"`},
		{"pre_tokenizer", `{"type":"Split","pattern":{"Regex":"\\s+(?!\\S)"},"behavior":"Isolated"}`, `pre_tokenizer (Split): pattern Regex "\\s+(?!\\S)" is not supported here: group "(?!\\"`},
		{"pre_tokenizer", `{"type":"Split","pattern":{"Regex":"\\w+"},"behavior":"Isolated"}`, `"\\w+" is not known`},
		{"pre_tokenizer", `{"type":"Split","pattern":{"Regex":"\\p{Lu}"},"behavior":"Isolated"}`, `"\\p{Lu}" is not known`},
		{"pre_tokenizer", `{"type":"Split","pattern":{"Regex":"a++"},"behavior":"Isolated"}`, `invalid nested repetition operator`},
		{"pre_tokenizer", `{"type":"Split","pattern":{"String":""},"behavior":"Isolated"}`, `the pattern is empty`},
		{"pre_tokenizer", `{"type":"Split","pattern":{"String":" "},"behavior":"Joined"}`, `pre_tokenizer (Split): behavior "Joined"`},
		{"pre_tokenizer", `{"type":"Metaspace","replacement":"__"}`, `replacement "__" is not one character`},
		{"pre_tokenizer", `{"type":"Metaspace","prepend_scheme":"last"}`, `prepend_scheme "last"`},
		{"pre_tokenizer", `{"type":"Metaspace","prepend_scheme":"first","add_prefix_space":false}`, `add_prefix_space false contradicts`},
		{"post_processor", `{"type":"CTC"}`, `post_processor: component "CTC"`},
		{"post_processor", `{"type":"RobertaProcessing","cls":["<s>",1]}`, `post_processor.sep: expected a token and its id`},
		{"post_processor", `{"type":"BertProcessing","cls":["x",100000],"sep":["</s>",2]}`, `post_processor: adds id 100000, which is not in the vocabulary`},
		{"post_processor", `{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<x>"}}],"special_tokens":{}}`, `post_processor.single[0]: "<x>" is not in special_tokens`},
		{"post_processor", `{"type":"TemplateProcessing","single":[],"special_tokens":{}}`, `has no Sequence A`},
		{"post_processor", `{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}}],"pair":[{"Sequence":{"id":"A"}}],"special_tokens":{}}`, `post_processor.pair: has no Sequence B`},
		{"decoder", `{"type":"CTC"}`, `decoder: component "CTC"`},
		{"decoder", `7`, `decoder: expected an object with a type`},
		{"model", `{"type":"Unigram","vocab":[]}`, `model`},
		{"model", `{"type":"WordLevel","vocab":{"a":0}}`, `model: type "WordLevel" is not supported`},
		{"model", `{"type":"BPE","vocab":{"a":0},"merges":[],"dropout":0.1}`, `model.dropout: 0.1`},
		{"model", `{"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b"],"continuing_subword_prefix":"##"}`, `model.merges[0]: token "b" is shorter than`},
		{"model", `{"type":"BPE","vocab":{"a":0},"merges":[],"unk_token":"<u>"}`, `model.unk_token: "<u>" is not in the vocabulary`},
		{"model", `{"type":"WordPiece","vocab":{"a":0},"continuing_subword_prefix":"##"}`, `model.unk_token: is missing`},
		{"model", `{"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b"]}`, `model.merges[0]: token "ab" is not in the vocabulary`},
		{"model", `{"type":"BPE","vocab":{"a":0,"b":1},"merges":["ab"]}`, `model.merges[0]: expected two tokens`},
		{"model", `{"type":"BPE","vocab":{"a":0,"b":0},"merges":[]}`, `token "b": id 0 is also that of "a"`},
		{"model", `{"type":"BPE","vocab":{},"merges":[]}`, `model.vocab: is missing or empty`},
		{"added_tokens", `[{"id":900,"content":"«x»"},{"id":900,"content":"«y»"}]`, `added_tokens[1] ("«y»"): id 900 is also that of "«x»"`},
		{"added_tokens", `[{"id":0,"content":"«x»"}]`, `added_tokens[0] ("«x»"): id 0 is also that of "<pad>"`},
		{"added_tokens", `[{"id":7,"content":"<pad>"}]`, `added_tokens[0] ("<pad>"): id 7, but the vocabulary says 0`},
		{"added_tokens", `[{"id":900,"content":"«x»"}]`, `added_tokens[0] ("«x»"): id 900, but the next after the vocabulary and the tokens before is `},
		{"added_tokens", `[{"id":0,"content":""}]`, `added_tokens[0]: content is empty`},
	} {
		dir := folder(t, "digits", map[string]string{c.field: c.value}, nil)
		_, err := Load(dir)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), filepath.Join(dir, File)) {
			t.Errorf("%s = %s: got %v, want %q", c.field, c.value, err, c.want)
		}
	}
}

func TestSpecialTokens(t *testing.T) {
	for _, c := range []struct {
		name          string
		extra         map[string]string
		bos, eos, pad int
		source        string
	}{
		{"declared", map[string]string{ConfigFile: `{"bos_token":"<s>","eos_token":{"content":"</s>"},"pad_token":"<pad>"}`}, 1, 2, 0, ConfigFile},
		{"pad falls back to eos", map[string]string{ConfigFile: `{"eos_token":"</s>","bos_token":null}`}, -1, 2, 2, "eos (none declared)"},
		{"nothing", nil, -1, -1, 0, "0 (none declared)"},
		{"config.json", map[string]string{"config.json": `{"bos_token_id":1,"eos_token_id":[2,7],"pad_token_id":5}`}, 1, 2, 5, "config.json"},
		{"map", map[string]string{"special_tokens_map.json": `{"eos_token":"</s>"}`, "config.json": `{"eos_token_id":9}`}, -1, 2, 2, "eos (none declared)"},
	} {
		tok, err := Load(folder(t, "digits", nil, c.extra))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if tok.BOS() != c.bos || tok.EOS() != c.eos || tok.PAD() != c.pad || tok.PADSource() != c.source {
			t.Errorf("%s: bos %d eos %d pad %d (%s)", c.name, tok.BOS(), tok.EOS(), tok.PAD(), tok.PADSource())
		}
	}
	tok, err := Load(folder(t, "digits", nil, map[string]string{ConfigFile: `{"eos_token":"<eot>"}`}))
	if err != nil || tok.EOS() != tok.VocabSize()-1 || tok.Token(tok.EOS()) != "<eot>" {
		t.Errorf("an end token that the vocabulary lacks is added: %v", err)
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

func TestSaveKeepsChatTemplates(t *testing.T) {
	from, to := folder(t, "digits", nil, map[string]string{"chat_template.jinja": "D", ConfigFile: `{}`}), t.TempDir()
	const named = "additional_chat_templates/tool_use.jinja"
	if err := checkpoint.WriteCompanion(from, named, []byte("T")); err != nil {
		t.Fatal(err)
	}
	tok, err := Load(from)
	if err == nil {
		err = tok.Save(to)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"chat_template.jinja": "D", named: "T", ConfigFile: `{}`} {
		if got, err := os.ReadFile(filepath.Join(to, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// The message names the file once.
func TestAMissingTokenizer(t *testing.T) {
	dir := t.TempDir()
	_, err := Load(dir)
	if !errors.Is(err, fs.ErrNotExist) || strings.Count(err.Error(), dir) != 1 {
		t.Error(err)
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

// TestCleanUp: tokenizer_config.json's clean_up_tokenization_spaces, which
// transformers heeds except for BPE, and which leaves "do not" alone.
func TestCleanUp(t *testing.T) {
	const text = "I do not know , he 's here ."
	for _, c := range []struct{ fixture, config, want string }{
		{"t5", `{"clean_up_tokenization_spaces":true}`, "I do not know, he's here."},
		{"t5", `{"clean_up_tokenization_spaces":false}`, text},
		{"t5", `{}`, text},
		{"gpt2", `{"clean_up_tokenization_spaces":true}`, text},
	} {
		tok, err := Load(folder(t, c.fixture, nil, map[string]string{ConfigFile: c.config}))
		if err != nil {
			t.Fatal(err)
		}
		if got := tok.Decode(tok.Encode(text, false), true); got != c.want {
			t.Errorf("%s with %s: %q, want %q", c.fixture, c.config, got, c.want)
		}
	}
}

func TestAddedTokensByName(t *testing.T) {
	tok, err := Load("testdata/gpt2")
	if err != nil {
		t.Fatal(err)
	}
	for token, special := range map[string]bool{"<|endoftext|>": true, "[MASK]": false, "word": false} {
		id, ok := tok.ID(token)
		if !ok || tok.Token(id) != token || tok.Special(id) != special {
			t.Errorf("%s: id %d (%v), token %q, special %v", token, id, ok, tok.Token(id), tok.Special(id))
		}
	}
	if id, ok := tok.ID("[MASKED]"); ok || id != -1 {
		t.Errorf("an unknown token has id %d", id)
	}
	if n := tok.VocabSize(); tok.Token(n) != "" || tok.Token(-1) != "" {
		t.Errorf("tokens outside of %d ids", n)
	}
}
