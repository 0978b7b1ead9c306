package main

import (
	"strings"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// What of the policy can train.
const (
	trainAll      = "all"
	trainQueryKey = "query_key"
)

// policyParams marks and gives the parameters that train: all, or the
// projections to queries and keys (GPT-2 has them in one with the values).
func policyParams(m *model.Model, which string) []*autograd.Param {
	if which == trainAll {
		return m.Params()
	}
	var out []*autograd.Param
	for _, w := range m.Params() {
		w.Trainable = false
	}
	for _, l := range m.Linears() {
		switch l.Name[strings.LastIndexByte(l.Name, '.')+1:] {
		case "q_proj", "k_proj", "c_attn":
			l.W.Trainable = true
			out = append(out, l.W)
		}
	}
	return out
}
