package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/tunelab/tunelab/framework/llm/generate"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/rl"
)

// rollout is a batch of responses, B in number, padded to T tokens, with what
// the models say of them.
type rollout struct {
	rl.Rollout
	seqs   [][]int // prompt and response
	prompt []int   // length of each prompt
	first  [][]int // the mini-batches of the first inner epoch
	gap    float64 // largest difference of the sampler's log-probabilities
}

// samplerGap is how far the sampler's own log-probabilities may be from the
// training forward's: more is a mistake in the cache or the mask.
const samplerGap = 1e-4

// decodeBatch is how many responses are decoded side by side.
const decodeBatch = 64

// rollout samples the responses of an update and looks at them with all four
// models.
func (r *ppoRun) rollout(ctx context.Context, update int) (*rollout, error) {
	roll, sampled, err := r.sample(ctx, update)
	if err != nil {
		return nil, err
	}
	return roll, r.score(roll, sampled)
}

// sample draws the responses.
func (r *ppoRun) sample(ctx context.Context, update int) (*rollout, []generate.Result, error) {
	b := r.in.Params.Int("ppo_batch_size")
	prompts := make([][]int, b)
	for i := range prompts {
		prompts[i] = r.query(update*b + i)
	}
	res, err := generate.Generate(ctx, r.policy, prompts, generate.Options{
		MaxNewTokens: r.length, Temperature: r.in.Params.Float("ppo_temperature"), Tokenizer: r.tok, StopStrings: r.in.Spec.Task.Stop, MaxBatch: decodeBatch,
		Seed: spec.StreamSeed(r.in.Spec.Seed, fmt.Sprintf("%s/ppo/%d", spec.StreamSampling, update)),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("sample responses: %w", err)
	}
	roll := &rollout{first: r.minibatches(update, 0)}
	roll.LogProbs, roll.RefLogProbs, roll.Values = dense(b, r.length), dense(b, r.length), dense(b, r.length)
	for i, g := range res {
		roll.seqs, roll.prompt = append(roll.seqs, slices.Concat(prompts[i], g.IDs)), append(roll.prompt, len(prompts[i]))
		roll.Last, roll.Ended = append(roll.Last, len(g.IDs)-1), append(roll.Ended, r.ends(g.IDs[len(g.IDs)-1]))
		r.at.Generated += int64(len(g.IDs))
		r.at.FLOPs += g.FLOPs
	}
	return roll, res, nil
}

// ends says whether a token ends a response, as generation has it: the
// tokenizer's end token, or one that the model's configuration names.
func (r *ppoRun) ends(id int) bool {
	return id == r.tok.EOS() || slices.Contains(r.policy.Config().EOS, id)
}

// score fills in scores, log-probabilities and values. They are computed in
// the mini-batches of the first inner epoch, so that the first ratio is exactly
// 1 on any engine.
func (r *ppoRun) score(roll *rollout, sampled []generate.Result) error {
	scores, flops, err := r.reward.Scores(roll.seqs)
	if err != nil {
		return err
	}
	roll.Scores = scores
	r.at.FLOPs += flops
	for _, part := range roll.first {
		if err := r.look(roll, part); err != nil {
			return err
		}
	}
	for i, g := range sampled {
		for j, lp := range g.LogProbs {
			roll.gap = max(roll.gap, math.Abs(lp-roll.LogProbs[i][j]))
		}
	}
	if !(roll.gap <= samplerGap) {
		return fmt.Errorf("update %d: the sampler's log-probabilities differ by %.3g from the training forward's, %g is allowed: the KV cache or a mask is wrong", r.at.Step+1, roll.gap, samplerGap)
	}
	return nil
}

// query is the prompt of an episode: a seeded permutation for each pass over
// the prompts.
func (r *ppoRun) query(episode int) []int {
	n := len(r.prompts)
	order := spec.Stream(r.in.Spec.Seed, fmt.Sprintf("%s/ppo/%d", spec.StreamData, episode/n)).Perm(n)
	return r.prompts[order[episode%n]]
}

// minibatches divides an update's episodes for an inner epoch, at random.
func (r *ppoRun) minibatches(update, epoch int) [][]int {
	b, n := r.in.Params.Int("ppo_batch_size"), r.in.Params.Int("ppo_num_mini_batches")
	order := spec.Stream(r.in.Spec.Seed, fmt.Sprintf("ppo minibatch/%d/%d", update, epoch)).Perm(b)
	var out [][]int
	for i := range n {
		out = append(out, order[i*b/n:(i+1)*b/n])
	}
	return out
}

// look fills in the log-probabilities of policy and reference and the values,
// for some episodes.
func (r *ppoRun) look(roll *rollout, part []int) error {
	for _, m := range []struct {
		m    *model.Model
		into [][]float64
	}{{r.policy, roll.LogProbs}, {r.reference, roll.RefLogProbs}} {
		t := autograd.NewTape(m.m.Engine(), false)
		err := autograd.Catch(func() {
			lp, _ := r.logProbs(t, m.m, roll, part)
			roll.scatter(m.into, part, 0, lp.Value())
		})
		r.at.FLOPs += float64(t.FLOPs())
		t.Release()
		if err != nil {
			return fmt.Errorf("log-probabilities of responses: %w", err)
		}
	}
	t := autograd.NewTape(r.value.Model.Engine(), false)
	defer t.Release()
	err := autograd.Catch(func() { roll.scatter(roll.Values, part, 1, r.values(t, roll, part).Value()) })
	r.at.FLOPs += float64(t.FLOPs())
	if err != nil {
		return fmt.Errorf("values of responses: %w", err)
	}
	return nil
}

// logProbs gives ln pi of the response tokens of some episodes, one after the
// other, at the sampling temperature, and the entropies there.
func (r *ppoRun) logProbs(t *autograd.Tape, m *model.Model, roll *rollout, part []int) (logp, entropy *autograd.Var) {
	b, rows, targets := roll.pack(part, 0)
	return t.LogProb(m.Logits(t, t.Rows(m.Hidden(t, b), rows)), targets, float32(r.in.Params.Float("ppo_temperature")))
}

// values gives the value before each response token of some episodes, and
// after the last one where the response is shorter than T.
func (r *ppoRun) values(t *autograd.Tape, roll *rollout, part []int) *autograd.Var {
	b, rows, _ := roll.pack(part, 1)
	return r.value.Values(t, b, rows)
}

// pack packs some episodes and lists the rows from which their response tokens
// are predicted, and extra more; targets are those tokens.
func (o *rollout) pack(part []int, extra int) (b model.Batch, rows, targets []int32) {
	var seqs [][]int
	at := 0
	for _, i := range part {
		seqs = append(seqs, o.seqs[i])
		for j := range o.count(i, extra) {
			rows = append(rows, int32(at+o.prompt[i]-1+j))
			if p := o.prompt[i] + j; p < len(o.seqs[i]) {
				targets = append(targets, int32(o.seqs[i][p]))
			}
		}
		at += len(o.seqs[i])
	}
	return model.Pack(seqs...), rows, targets
}

// count is the number of an episode's tokens, or with extra 1 of its states.
func (o *rollout) count(i, extra int) int { return min(o.Last[i]+1+extra, len(o.LogProbs[i])) }

// scatter writes numbers in the order of pack to their places.
func (o *rollout) scatter(into [][]float64, part []int, extra int, from []float32) {
	at := 0
	for _, i := range part {
		for j := range o.count(i, extra) {
			into[i][j] = float64(from[at])
			at++
		}
	}
}

// gather is the inverse of scatter, for the rows of a mini-batch alone.
func (o *rollout) gather(from [][]float64, part []int, extra int) []float32 {
	var out []float32
	for k, i := range part {
		for j := range o.count(i, extra) {
			out = append(out, float32(from[k][j]))
		}
	}
	return out
}

func (o *rollout) ended() int {
	n := 0
	for _, e := range o.Ended {
		if e {
			n++
		}
	}
	return n
}

func (o *rollout) meanLength() float64 {
	n := 0
	for _, last := range o.Last {
		n += last + 1
	}
	return float64(n) / float64(len(o.Last))
}

func dense(b, t int) [][]float64 {
	out := make([][]float64, b)
	for i := range out {
		out[i] = make([]float64, t)
	}
	return out
}
