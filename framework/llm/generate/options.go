package generate

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
)

// Reasons for which a sequence ended.
const (
	Stop    = "stop"    // an end token or a stop string
	Length  = "length"  // MaxNewTokens
	Context = "context" // prompt and continuation fill the model's context
)

// Options of Generate.
type Options struct {
	MaxNewTokens int     // at least 1
	Temperature  float64 // divides the logits; 0: greedy, the first of equal ones
	TopK         int     // draw from the k likeliest tokens only; 0: off
	TopP         float64 // draw from the fewest likeliest tokens that reach this probability (Holtzman et al. 2020, section 3.1); 0 or 1: off
	NumSamples   int     // continuations of each prompt; 0 means 1

	// RepetitionPenalty divides the positive logits, and multiplies the negative
	// ones, of every token that stands in prompt or continuation (Keskar et al.
	// 2019, section 4.1; transformers RepetitionPenaltyLogitsProcessor); 0 or 1: off.
	RepetitionPenalty float64

	// Seed of all random streams. A sequence's own stream follows from Seed,
	// its prompt's key and the number of the sample.
	Seed [32]byte
	// Keys names each prompt's stream; nil means its index. Give keys that do
	// not depend on how prompts are split over calls.
	Keys []uint64

	StopIDs     []int    // end tokens; nil: the model's and the tokenizer's own; empty: none
	StopStrings []string // end a sequence where they appear in its text; need Tokenizer
	Tokenizer   *tokenizer.Tokenizer

	MaxBatch int // sequences decoded side by side; 0 means 16

	Progress func(done, total int)        // after each finished sequence
	OnToken  func(prompt, sample, id int) // as each token is drawn
}

// Result is one continuation.
type Result struct {
	IDs      []int     // new tokens, the end token included where one was drawn
	Text     string    // without special tokens, cut before a stop string; "" without Tokenizer
	Finish   string    // Stop, Length or Context
	LogProbs []float64 // natural log of each new token's probability after Temperature (1 when greedy), before TopK and TopP
	FLOPs    float64   // arithmetic spent; of a step that ran several sequences, the share of its tokens
}

func (o *Options) check(m *model.Model, prompts [][]int) error {
	switch {
	case o.MaxNewTokens < 1:
		return fmt.Errorf("max_new_tokens: %d is not positive", o.MaxNewTokens)
	case o.Temperature < 0 || o.Temperature != o.Temperature:
		return fmt.Errorf("temperature: %g is negative; 0 is greedy", o.Temperature)
	case o.TopK < 0:
		return fmt.Errorf("top_k: %d is negative; 0 is off", o.TopK)
	case !(o.TopP >= 0 && o.TopP <= 1):
		return fmt.Errorf("top_p: %g is outside 0..1", o.TopP)
	case !(o.RepetitionPenalty >= 0):
		return fmt.Errorf("repetition_penalty: %g is negative", o.RepetitionPenalty)
	case o.NumSamples < 0:
		return fmt.Errorf("num_samples: %d is negative", o.NumSamples)
	case len(o.StopStrings) > 0 && o.Tokenizer == nil:
		return fmt.Errorf("stop strings: need a tokenizer to be found in the text")
	case o.Keys != nil && len(o.Keys) != len(prompts):
		return fmt.Errorf("keys: %d for %d prompts", len(o.Keys), len(prompts))
	}
	for i, s := range o.StopStrings {
		if s == "" {
			return fmt.Errorf("stop strings[%d]: is empty", i)
		}
	}
	for i, p := range prompts {
		if len(p) == 0 {
			return &SequenceError{i, errors.New("is empty; give at least the start token")}
		}
		if len(p) >= m.ContextLength() {
			return &SequenceError{i, fmt.Errorf("%d tokens leave no room in the model's context of %d; shorten it", len(p), m.ContextLength())}
		}
		if err := checkIDs(m, p); err != nil {
			return &SequenceError{i, err}
		}
	}
	return nil
}

func checkIDs(m *model.Model, ids []int) error {
	for j, id := range ids {
		if id < 0 || id >= m.Config().VocabSize {
			return fmt.Errorf("token %d has id %d, outside the vocabulary of %d", j, id, m.Config().VocabSize)
		}
	}
	return nil
}

// stopIDs resolves the default end tokens.
func (o *Options) stopIDs(m *model.Model) map[int]bool {
	ids := o.StopIDs
	if ids == nil {
		ids = m.Config().StopIDs
		if ids == nil {
			ids = m.Config().EOS
		}
		if o.Tokenizer != nil && o.Tokenizer.EOS() >= 0 {
			ids = append(ids[:len(ids):len(ids)], o.Tokenizer.EOS())
		}
	}
	set := map[int]bool{}
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// stream is the random stream of one sequence.
func (o *Options) stream(prompt, sample int) *rand.Rand {
	key := uint64(prompt)
	if o.Keys != nil {
		key = o.Keys[prompt]
	}
	b := append([]byte("tunelab sequence v1\x00"), o.Seed[:]...)
	b = binary.LittleEndian.AppendUint64(b, key)
	b = binary.LittleEndian.AppendUint64(b, uint64(sample))
	return rand.New(rand.NewChaCha8(sha256.Sum256(b)))
}
