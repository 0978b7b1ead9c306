package tune

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
)

// encode reads both splits and encodes them once.
func (tr *trainer) encode(tok *tokenizer.Tokenizer) error {
	train, err := sdk.ReadExamples(tr.in.Train)
	if err != nil {
		return err
	}
	val, err := sdk.ReadExamples(tr.in.Validation)
	if err != nil {
		return err
	}
	task := tr.in.Spec.Task
	encode := func(ex []spec.Example) (*encoded, error) {
		if tr.labels != nil {
			return encodeClassify(tr.labels, ex, len(task.Labels), tr.maxLen)
		}
		return encodeCompletion(tok, task, ex, tr.maxLen)
	}
	if tr.train, err = encode(train); err != nil {
		return err
	}
	if tr.val, err = encode(val); err != nil {
		return err
	}
	if tr.train.supervised == 0 {
		return sdk.Fail("task.answer", fmt.Sprintf("no supervised token in %d training examples (%d dropped as too long, %d without an answer)", len(train), tr.train.dropped, tr.train.blank),
			"check the task's answer template and max_length")
	}
	return nil
}

// probe are up to eight validation examples, or training examples
// where there are none.
func (tr *trainer) probe() []sequence {
	seqs := tr.val.seqs
	if len(seqs) == 0 {
		seqs = tr.train.seqs
	}
	return seqs[:min(len(seqs), 8)]
}

// metric records a figure of the adapter. What a resumed run computes again
// before its first step is already on record.
func (tr *trainer) metric(name string, value float64) {
	if tr.out != nil && (tr.in.Checkpoint == "" || tr.step > 0) {
		tr.out.Metric(name, int64(tr.step), value)
	}
}

func (tr *trainer) log(level, message string) {
	if tr.out != nil {
		tr.out.Log(level, message)
	}
}

// describeData logs what training will see: examples cut or dropped, and of a
// completion objective the share of tokens that carry loss and of examples
// whose end token does.
func (tr *trainer) describeData() {
	for _, s := range []struct {
		name string
		e    *encoded
	}{{"training", tr.train}, {"validation", tr.val}} {
		if s.e.cut+s.e.dropped+s.e.blank > 0 {
			tr.log("warning", fmt.Sprintf("of %d %s examples %d were cut to %d tokens, %d dropped as too long and %d for having no answer",
				len(s.e.seqs)+s.e.dropped+s.e.blank, s.name, s.e.cut, tr.maxLen, s.e.dropped, s.e.blank))
		}
	}
	tr.metric("data/cut", float64(tr.train.cut))
	tr.metric("data/dropped", float64(tr.train.dropped+tr.train.blank))
	if tr.labels == nil {
		tokens := 0
		for _, s := range tr.train.seqs {
			tokens += len(s.ids)
		}
		tr.metric("data/supervised_share", float64(tr.train.supervised)/float64(tokens))
		tr.metric("data/eos_supervised", float64(tr.train.ends)/float64(len(tr.train.seqs)))
	}
}
