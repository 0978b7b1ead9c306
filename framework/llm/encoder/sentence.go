package encoder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// Sentence is how a folder of sentence-transformers (Reimers and Gurevych 2019,
// arXiv:1908.10084) makes one vector of a text.
type Sentence struct {
	Dir       string // folder of the encoder: the folder itself, or one in it
	Pooling   string // CLS or Mean
	Normalize bool   // the vector is divided by its length
	MaxLength int    // tokens at which texts are cut, special ones counted; 0: the encoder's context
	LowerCase bool   // texts are lower-cased before the tokenizer sees them
}

// Files of sentence-transformers 2 to 6.
const (
	modulesFile  = "modules.json"
	sentenceFile = "sentence_bert_config.json"
)

// ReadSentence reads dir/modules.json and what it names: an encoder, a pooling
// of CLS or Mean, and at will a normalisation. Without that file ok is false. A
// module or a pooling of another kind is refused by name.
func ReadSentence(dir string) (s Sentence, ok bool, err error) {
	path := filepath.Join(dir, modulesFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, false, nil
	} else if err != nil {
		return s, false, err
	}
	var modules []struct{ Path, Type string }
	if err := json.Unmarshal(raw, &modules); err != nil {
		return s, false, fmt.Errorf("%s: not valid JSON: %w", path, err)
	}
	var kinds []string
	for i, m := range modules {
		if m.Path != "" && !filepath.IsLocal(m.Path) {
			return s, false, fmt.Errorf("%s: module %d: path %q leaves the folder", path, i, m.Path)
		}
		kind, sub := m.Type[strings.LastIndexByte(m.Type, '.')+1:], filepath.Join(dir, m.Path)
		switch kind {
		case "Transformer":
			s.Dir, err = sub, s.readTransformer(sub)
		case "Pooling":
			err = s.readPooling(filepath.Join(sub, "config.json"))
		case "Normalize":
			s.Normalize, err = true, readNormalize(filepath.Join(sub, "config.json"))
		default:
			err = fmt.Errorf("%s: module %d: %q is not supported; supported are Transformer, Pooling and Normalize", path, i, m.Type)
		}
		if err != nil {
			return s, false, err
		}
		kinds = append(kinds, kind)
	}
	if list := strings.Join(kinds, ", "); list != "Transformer, Pooling" && list != "Transformer, Pooling, Normalize" {
		return s, false, fmt.Errorf("%s: modules %s are not supported; give Transformer and Pooling, and Normalize at will, in this order", path, list)
	}
	return s, true, nil
}

func (s *Sentence) readTransformer(dir string) error {
	f, err := checkpoint.ReadFields(filepath.Join(dir, sentenceFile))
	if err != nil {
		return err
	}
	s.MaxLength, s.LowerCase = f.Int("max_seq_length", 0), f.Flag("do_lower_case", false)
	if s.MaxLength < 0 {
		f.Fail("max_seq_length", "%d is negative", s.MaxLength)
	}
	f.MustBe("transformer_task", "feature-extraction")
	if _, ok := f.Get("max_seq_length"); ok || f.Err() != nil {
		return f.Err()
	}
	// Version 6 leaves it to the tokenizer, where a huge number means none.
	if f, err = checkpoint.ReadFields(filepath.Join(dir, "tokenizer_config.json")); err != nil {
		return err
	}
	if n := f.Num("model_max_length", 0); n > 0 && n < math.MaxInt32 {
		s.MaxLength = int(n)
	}
	return f.Err()
}

// poolingModes are the older form of pooling_mode.
var poolingModes = []struct{ field, mode string }{
	{"pooling_mode_cls_token", CLS}, {"pooling_mode_max_tokens", "max"}, {"pooling_mode_mean_tokens", Mean},
	{"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"}, {"pooling_mode_weightedmean_tokens", "weightedmean"}, {"pooling_mode_lasttoken", "lasttoken"},
}

func (s *Sentence) readPooling(path string) error {
	f, err := checkpoint.ReadFields(path)
	if err != nil {
		return err
	}
	f.MustBe("include_prompt", true)
	var modes []string
	switch raw, ok := f.Get("pooling_mode"); {
	case !ok:
		for _, p := range poolingModes {
			if f.Flag(p.field, false) {
				modes = append(modes, p.mode)
			}
		}
		if modes == nil {
			modes = []string{Mean}
		}
	case raw[0] == '[':
		modes = checkpoint.DecodeField[[]string](f, "pooling_mode", nil)
	default:
		modes = []string{f.Str("pooling_mode", Mean)}
	}
	if len(modes) != 1 || modes[0] != CLS && modes[0] != Mean {
		f.Fail("pooling_mode", "%s is not supported; supported are %s and %s, one of them", strings.Join(modes, " with "), CLS, Mean)
	} else {
		s.Pooling = modes[0]
	}
	return f.Err()
}

func readNormalize(path string) error {
	f, err := checkpoint.ReadFields(path)
	if err != nil {
		return err
	}
	f.MustBe("module_input_name", "sentence_embedding")
	f.MustBe("module_output_name", "sentence_embedding")
	return f.Err()
}
