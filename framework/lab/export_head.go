package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
)

// labelHead is the head that a run trained on a decoder, for a task's labels or, of
// a reward model, for one number: a linear layer on the final state of a text's last
// token, as transformers' ForSequenceClassification of most families has it.
type labelHead struct {
	model.LabelHead
	unfit error // why no class of transformers computes it; nil: one does
}

// labelHead reads the label head of a run; nil where it trained none on a decoder.
func (l *Lab) labelHead(ctx context.Context, r result) (*labelHead, error) {
	if !r.has(tune.HeadFile) {
		return nil, nil
	}
	sp, err := specOf(r.row)
	if err != nil {
		return nil, err
	}
	base, err := l.baseDir(ctx, r.row)
	if err != nil {
		return nil, err
	}
	if isEncoder(base) {
		return nil, nil
	}
	cfg, err := checkpoint.ReadConfig(base)
	if err != nil {
		return nil, err
	}
	tok, err := tokenizer.Load(base)
	if err != nil {
		return nil, err
	}
	dir, _, err := l.runner.Result(ctx, r.row.ID)
	if err != nil {
		return nil, err
	}
	end, labels := -1, sp.Task.Labels
	if ids := tok.Encode("One", true); len(ids) > 0 {
		end = ids[len(ids)-1]
	}
	if len(labels) == 0 { // what a reward model reads ends with the end token
		end, labels = tok.EOS(), []string{"reward"}
	}
	score, err := tune.ReadHead(dir, len(labels), cfg.HiddenSize)
	if err != nil {
		return nil, err
	}
	h := &labelHead{LabelHead: model.LabelHead{Labels: labels, Score: score.Data, PAD: tok.PAD()}}
	if tok.PAD() == end || strings.HasPrefix(tok.PADSource(), "0") {
		h.PAD = -1
	}
	_, h.unfit = cfg.Classifier()
	return h, nil
}

// classifier makes of the language model in the folder dir, which has the head's
// file beside it, the folder of transformers' class.
func (h *labelHead) classifier(dir string) error {
	e, err := compute.Open("cpu", 1)
	if err != nil {
		return err
	}
	defer compute.Close(e)
	m, err := model.Load(dir, e, model.Options{Frozen: true})
	if err != nil {
		return err
	}
	defer m.Free()
	if err := m.SaveClassifier(dir, h.LabelHead); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(dir, tune.HeadFile))
}

// adapter puts the head into the folder dir of an adapter, which has its file
// beside it, if PEFT computes there what the run does.
func (h *labelHead) adapter(dir string) error {
	kind, err := peft.TypeOf(dir)
	if err != nil {
		return err
	}
	if h.unfit == nil && kind != "LORA" {
		h.unfit = fmt.Errorf("PEFT's form of a label head is written for LoRA alone, not for %s", kind)
	}
	if h.unfit != nil {
		return nil
	}
	score := checkpoint.Tensor{Shape: []int{len(h.Labels), len(h.Score) / len(h.Labels)}, Data: h.Score}
	if err := peft.AddScore(dir, score); err != nil {
		return err
	}
	return os.Remove(filepath.Join(dir, tune.HeadFile))
}

// notes say how to load what an export of that kind wrote with the head, if any.
func (h *labelHead) notes(kind string) []string {
	if h == nil {
		return nil
	}
	labels := strings.Join(h.Labels, ", ")
	own := fmt.Sprintf("%s holds the label head: score.weight, [labels, hidden], without bias, on the final state of a text's last token; rows: %s", tune.HeadFile, labels)
	switch {
	case h.unfit != nil:
		return []string{own + fmt.Sprintf(". It is not part of the %s: %v", kind, h.unfit)}
	case kind == ExportFiles:
		return []string{own + "; --merge writes it with its base model"}
	}
	pad, alone := fmt.Sprint(h.PAD), ""
	if h.PAD < 0 {
		pad, alone = "None", "; give it one text at a time: the tokenizer has no token for padding, or texts end with it"
	}
	if kind == ExportModel {
		return []string{"AutoModelForSequenceClassification loads it; labels, by the last token of a text: " + labels + alone}
	}
	return []string{fmt.Sprintf("load it onto AutoModelForSequenceClassification.from_pretrained(BASE, num_labels=%d, pad_token_id=%s); rows of its score: %s%s", len(h.Labels), pad, labels, alone)}
}
