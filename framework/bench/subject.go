package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/compute/cpu"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/train/quant"
)

// subject is a model of random weights and the loss that it trains on.
type subject struct {
	weights int64             // of the model, those in 4 bits as well
	params  []*autograd.Param // that train
	loss    func(t *autograd.Tape, data batch) *autograd.Var
	vocab   int
	context int
	rate    float64 // learning rate
}

// batch is a step's data: sequences of equal length.
type batch struct {
	seqs   [][]int
	labels []int32 // of an encoder, one for each sequence
}

// labels is the number of classes that an encoder learns to tell apart.
const labels = 2

// Learning rates: usual ones, whose value costs no time.
const (
	fullRate = 1e-4
	loraRate = 1e-3
)

// newSubject makes the model and what its method puts on it. All its memory is
// in use when it returns: nothing is left to be read at the first step.
func newSubject(o TrainOptions, e compute.Engine, rng *rand.Rand) (*subject, error) {
	raw, err := configJSON(o.Config)
	if err != nil {
		return nil, err
	}
	var s *subject
	if isEncoder(o.Config) {
		s, err = newEncoder(raw, o.Method, e, rng)
	} else {
		s, err = newDecoder(raw, o.Method, e, rng)
	}
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", o.Method, o.Config, err)
	}
	return s, nil
}

func newDecoder(raw []byte, method string, e compute.Engine, rng *rand.Rand) (*subject, error) {
	m, err := randomDecoder(raw, e, rng)
	if err != nil {
		return nil, err
	}
	s := &subject{weights: m.ParamCount(), params: m.Params(), vocab: m.Config().VocabSize, context: m.ContextLength(), rate: fullRate}
	if method == QLoRA {
		if _, err := quant.Freeze(m); err != nil {
			return nil, err
		}
	}
	if method != Full {
		if err := s.adapt(m, rng); err != nil {
			return nil, err
		}
	}
	fill(m.Params())
	s.loss = func(t *autograd.Tape, data batch) *autograd.Var {
		return m.NextTokenLoss(t, model.Pack(data.seqs...))
	}
	return s, nil
}

func randomDecoder(raw []byte, e compute.Engine, rng *rand.Rand) (*model.Model, error) {
	cfg, err := checkpoint.ParseConfig(raw)
	if err != nil {
		return nil, err
	}
	return model.New(cfg, e, rng)
}

// newEncoder is a classifier of sequences.
func newEncoder(raw []byte, method string, e compute.Engine, rng *rand.Rand) (*subject, error) {
	cfg, err := encoder.ParseConfig(raw)
	if err != nil {
		return nil, err
	}
	if method == QLoRA {
		return nil, fmt.Errorf("only decoders are quantised")
	}
	m, err := encoder.New(cfg, e, rng)
	if err != nil {
		return nil, err
	}
	head := encoder.NewClassifier(m, labels, rng)
	s := &subject{vocab: cfg.VocabSize, context: cfg.ContextLength(), rate: fullRate}
	for _, p := range m.Params() {
		if strings.HasPrefix(p.Name, cfg.Family+".") { // the masked-LM head takes no part
			s.params = append(s.params, p)
		} else {
			p.Free()
		}
	}
	s.params = append(s.params, head.Params()...)
	for _, p := range s.params {
		s.weights += int64(p.Len())
	}
	if method != Full {
		if err := s.adapt(m, rng, peft.Own{Modules: head.Modules(), Params: head.Params()}); err != nil {
			return nil, err
		}
	}
	s.loss = func(t *autograd.Tape, data batch) *autograd.Var {
		b := encoder.Pack(data.seqs...)
		return t.CrossEntropy(head.Logits(t, m.Hidden(t, b), b.SeqLens), data.labels, nil)
	}
	return s, nil
}

// adapt puts LoRA of rank 8 on every linear layer, which alone trains then.
func (s *subject) adapt(m peft.Base, rng *rand.Rand, own ...peft.Own) error {
	l, err := peft.Attach(m, peft.Config{Rank: 8, Alpha: 16, Targets: []string{peft.AllLinear}}, rng, own...)
	if err != nil {
		return err
	}
	s.params, s.rate = l.Params(), loraRate
	return nil
}

// fill makes weights that wait for their first use take their values now.
func fill(params []*autograd.Param) {
	for _, p := range params {
		cpu.Floats(p.T.Buf)
	}
}

// randomBatch draws tokens, and labels that a classifier can learn by heart.
func (s *subject) randomBatch(n, length int, rng *rand.Rand) batch {
	b := batch{seqs: randomTokens(s.vocab, n, length, rng), labels: make([]int32, n)}
	for i := range b.labels {
		b.labels[i] = int32(rng.IntN(labels))
	}
	return b
}

func randomTokens(vocab, n, length int, rng *rand.Rand) [][]int {
	out := make([][]int, n)
	for i := range out {
		out[i] = make([]int, length)
		for j := range out[i] {
			out[i][j] = rng.IntN(vocab)
		}
	}
	return out
}
