package generate

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// prefillTokens bounds the prompt tokens that one decoding step takes in, so
// that a step's memory stays bounded; one prompt always goes in whole.
const prefillTokens = 2048

// Generate continues each prompt NumSamples times: out[i*NumSamples+s] is
// sample s of prompts[i]. Sequences that end make room for those that wait.
// A cancelled ctx ends it with ctx's error and no results.
func Generate(ctx context.Context, m *model.Model, prompts [][]int, o Options) ([]Result, error) {
	if err := o.check(m, prompts); err != nil {
		return nil, err
	}
	d := newDecoding(m, prompts, &o)
	if err := autograd.Catch(d.reserve); err != nil {
		return nil, fmt.Errorf("generate: keys and values of %d tokens each for %d sequences side by side: %w: ask for fewer new tokens or fewer sequences at once, shorten the prompts, or take a smaller model (one in NF4 leaves more room)", d.length, d.slots, err)
	}
	defer d.cache.Free()
	if err := autograd.Catch(d.prefill); err != nil {
		return nil, fmt.Errorf("generate: %w", err)
	}
	for len(d.active) > 0 || len(d.waiting) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		d.admit()
		if err := autograd.Catch(d.step); err != nil {
			return nil, fmt.Errorf("generate: %w", err)
		}
	}
	return d.results, nil
}

// sequence is one continuation being made.
type sequence struct {
	prompt, sample int
	slot           int
	room           int   // tokens until the context is full
	next           []int // tokens the model has not seen yet
	followers      []*sequence
	rng            *rand.Rand
	out            *Result
}

type decoding struct {
	m       *model.Model
	o       *Options
	prompts [][]int
	stop    map[int]bool
	cache   *autograd.KVCache
	free    []int // slots
	active  []*sequence
	waiting []*sequence
	results []Result
	done    int
	shared  int // tokens that all prompts begin with, kept in the last slot
	slots   int // of the cache
	length  int // of a slot, in tokens
}

func newDecoding(m *model.Model, prompts [][]int, o *Options) *decoding {
	samples := max(o.NumSamples, 1)
	d := &decoding{m: m, o: o, prompts: prompts, stop: o.stopIDs(m), results: make([]Result, len(prompts)*samples)}
	longest := 0
	for i, p := range prompts {
		longest = max(longest, len(p))
		for s := range samples {
			d.waiting = append(d.waiting, &sequence{prompt: i, sample: s, room: m.ContextLength() - len(p), next: p,
				rng: o.stream(i, s), out: &d.results[i*samples+s]})
		}
	}
	d.slots = o.MaxBatch
	if d.slots <= 0 {
		d.slots = 16
	}
	d.slots = max(min(d.slots, len(d.waiting)), 1)
	for s := d.slots - 1; s >= 0; s-- {
		d.free = append(d.free, s)
	}
	if d.shared = sharedByAll(prompts); d.shared > 0 {
		d.slots++
	}
	d.length = longest + min(o.MaxNewTokens, m.ContextLength()-longest)
	return d
}

// reserve makes the cache.
func (d *decoding) reserve() { d.cache = d.m.NewCache(d.slots, d.length) }

// sharedByAll is how many tokens all prompts begin with, as with the same
// shots; none where it would save nothing. Each prompt keeps a last token.
func sharedByAll(prompts [][]int) int {
	if len(prompts) < 2 {
		return 0
	}
	n := len(prompts[0])
	for _, p := range prompts {
		n = min(n, commonPrefix(prompts[0], p), len(p)-1)
	}
	return n
}

// prefill computes once what all prompts begin with.
func (d *decoding) prefill() {
	if d.shared == 0 {
		return
	}
	t := autograd.NewTape(d.m.Engine(), false)
	defer t.Release()
	d.m.HiddenCached(t, model.Pack(d.prompts[0][:d.shared]), d.cache, []int{d.cache.Slots - 1})
	for i := range d.results {
		d.results[i].FLOPs = float64(t.FLOPs()) / float64(len(d.results))
	}
}

// admit gives free slots to waiting sequences. Samples of one prompt that are
// admitted together share its computation: the first one leads, the others
// follow with a copy of its cache.
func (d *decoding) admit() {
	tokens := 0
	var leader *sequence
	for len(d.free) > 0 && len(d.waiting) > 0 {
		s := d.waiting[0]
		follows := leader != nil && leader.prompt == s.prompt
		if !follows && tokens > 0 && tokens+len(s.next)-d.shared > prefillTokens {
			return
		}
		s.slot = d.free[len(d.free)-1]
		d.free, d.waiting = d.free[:len(d.free)-1], d.waiting[1:]
		if follows {
			leader.followers = append(leader.followers, s)
			continue
		}
		d.cache.Truncate(s.slot, 0)
		if d.shared > 0 {
			d.cache.CopySlot(s.slot, d.cache.Slots-1)
			s.next = s.next[d.shared:]
		}
		tokens += len(s.next)
		d.active, leader = append(d.active, s), s
	}
}

// step runs every active sequence one token further.
func (d *decoding) step() {
	t := autograd.NewTape(d.m.Engine(), false)
	defer t.Release()
	var b model.Batch
	var slots []int
	var last []int32
	for _, s := range d.active {
		for _, id := range s.next {
			b.IDs = append(b.IDs, int32(id))
		}
		b.SeqLens = append(b.SeqLens, len(s.next))
		slots = append(slots, s.slot)
		last = append(last, int32(len(b.IDs)-1))
	}
	h := t.Rows(d.m.HiddenCached(t, b, d.cache, slots), last)
	logits := d.m.Logits(t, h).Value()
	v := len(logits) / len(d.active)
	perToken := float64(t.FLOPs()) / float64(len(b.IDs))
	var going []*sequence
	for i, s := range d.active {
		row := logits[i*v : (i+1)*v]
		share := perToken * float64(b.SeqLens[i]) / float64(1+len(s.followers))
		for _, f := range s.followers {
			d.cache.CopySlot(f.slot, s.slot)
			f.out.FLOPs += share
			going = d.keep(going, f, row)
		}
		s.out.FLOPs += share
		s.followers = nil
		going = d.keep(going, s, row)
	}
	d.active = going
}

// keep extends a sequence and appends it to going unless it ended.
func (d *decoding) keep(going []*sequence, s *sequence, logits []float32) []*sequence {
	if d.extend(s, logits) {
		return append(going, s)
	}
	d.free = append(d.free, s.slot)
	d.done++
	if d.o.Progress != nil {
		d.o.Progress(d.done, len(d.results))
	}
	return going
}

// extend draws a sequence's next token and says whether it goes on.
func (d *decoding) extend(s *sequence, logits []float32) bool {
	r := s.out
	if p := d.o.RepetitionPenalty; p != 0 && p != 1 {
		logits = penalised(logits, float32(p), d.prompts[s.prompt], r.IDs)
	}
	id, lp := draw(logits, d.o, s.rng)
	r.IDs, r.LogProbs = append(r.IDs, id), append(r.LogProbs, lp)
	s.next = []int{id}
	if d.o.OnToken != nil {
		d.o.OnToken(s.prompt, s.sample, id)
	}
	switch {
	case d.stop[id] || d.stopString(s):
		r.Finish = Stop
	case len(r.IDs) == d.o.MaxNewTokens:
		r.Finish = Length
	case len(r.IDs) == s.room:
		r.Finish = Context
	default:
		return true
	}
	if d.o.Tokenizer != nil {
		r.Text = cutAt(d.text(s), d.o.StopStrings)
	}
	return false
}
