package run

import (
	"testing"

	"github.com/tunelab/tunelab/framework/spec"
)

// Only what the run has and has not done yet is suggested.
func TestWhatMakesARunSmaller(t *testing.T) {
	for want, r := range map[string]spec.Run{
		"set gradient_checkpointing=true (the same numbers for about a third more arithmetic), or raise accumulation from 1 (a step of 32 examples in more parts), or lower max_length, or choose lora or qlora": {
			Method: "full", Params: map[string]any{"gradient_checkpointing": false, "batch_size": int64(32), "accumulation": int64(1), "max_length": int64(0)}},
		"lower max_length": {
			Method: "qlora", Params: map[string]any{"gradient_checkpointing": true, "batch_size": int64(8), "accumulation": int64(8), "max_length": int64(64)}},
		"choose qlora": {
			Method: "lora", Params: map[string]any{"gradient_checkpointing": true}},
		"lower reward_batch_size from 16": {
			Method: "rlhf", Stage: "reward", Params: map[string]any{"reward_batch_size": int64(16), "sft_accumulation": int64(1)}},
		"choose a smaller model": {Method: "icl"},
	} {
		if got := smaller(r); got != want {
			t.Errorf("got %q, expected %q", got, want)
		}
	}
}
