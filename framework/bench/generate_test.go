package bench

import (
	"math"
	"strings"
	"testing"
)

func TestGenerate(t *testing.T) {
	for _, precision := range []string{F32, BF16, NF4} {
		r, err := Generate(t.Context(), GenerateOptions{Config: "tiny", Streams: 3, Prompt: 5, NewTokens: 4, Rounds: 1, Precision: precision, Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		// The whole call has prefill and decoding in it, one after the other.
		seconds := 3*5/r.PrefillTokensPerSecond + 3*3/r.DecodeTokensPerSecond
		if whole := 3 * 4 / r.TokensPerSecond; math.Abs(whole-seconds) > 1e-9 {
			t.Errorf("%s: %g s in all, %g s in parts", precision, whole, seconds)
		}
		if r.Parameters != 3049920 || r.PeakMemory < 4*2048*192 {
			t.Errorf("%+v", r)
		}
	}
	good := GenerateOptions{Config: "tiny", Streams: 1, Prompt: 4, NewTokens: 2, Rounds: 1, Precision: F32}
	for want, change := range map[string]func(o *GenerateOptions){
		`"f16" is none`:         func(o *GenerateOptions) { o.Precision = "f16" },
		"is an encoder":         func(o *GenerateOptions) { o.Config = "distilbert" },
		"no shape":              func(o *GenerateOptions) { o.Config = "gpt5" },
		"1 at least":            func(o *GenerateOptions) { o.Streams = 0 },
		"2 at least":            func(o *GenerateOptions) { o.NewTokens = 1 },
		"more than the context": func(o *GenerateOptions) { o.Prompt = 1023 },
	} {
		o := good
		change(&o)
		if _, err := Generate(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
