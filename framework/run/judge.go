package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/tunelab/tunelab/framework/data"
	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/plugin/living"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

// judge asks a fresh process of the plugin for predictions from the sealed
// artifacts and scores them.
func (a *active) judge(ctx context.Context) error {
	dir := filepath.Join(a.work, "sealed")
	refs, err := a.Store.Artifacts(ctx, a.id, tracking.Out)
	if err != nil {
		return err
	}
	if err := materialize(ctx, a.Artifacts, refs, "result/", dir); err != nil {
		return err
	}
	c, err := a.launch(ctx)
	if err != nil {
		return err
	}
	defer a.close(c)
	in := a.input
	in.Train, in.Validation = host.File{}, host.File{} // a predictor has no way to train
	j := &judging{active: a, c: c, in: in, artifacts: host.File{Path: dir}}
	test, split := a.job.Data.Test, data.SplitTest
	if a.job.Trial {
		test, split = data.ValidationItems(a.job.Data), data.SplitValidation
	}
	metric := stageMetric(a.job.Spec.Stage, a.job.Data.Task)
	if err := j.score(ctx, metric, test, split); err != nil {
		return err
	}
	if a.job.Trial {
		return nil
	}
	for _, m := range alsoScored(a.job.Data.Task, c.Method, metric) {
		if err := j.score(ctx, m, test, split); err != nil {
			return err
		}
	}
	return j.forgetting(ctx)
}

// stageMetric is what a stage of a chain is judged by on its own.
func stageMetric(stage string, t spec.Task) string {
	if stage == "reward" {
		return RewardAccuracy
	}
	if stage == "sft" && t.Metric == RewardAccuracy {
		return CompletionLoss
	}
	return t.Metric
}

// alsoScored are further metrics worth recording beside the task's own.
func alsoScored(t spec.Task, m spec.Method, main string) []string {
	var out []string
	if t.Kind == spec.Instruction && main == CompletionLoss && slices.Contains(m.Modes, spec.ModeGenerate) && t.Answer != "" {
		out = append(out, ExactMatch)
	}
	if t.Kind == spec.Classification && main == Accuracy {
		out = append(out, MacroF1)
	}
	return out
}

// judging is one predictor process being asked.
type judging struct {
	*active
	c         *host.Client
	in        host.Input
	artifacts host.File
	answers   map[string]map[string]spec.Prediction // mode to item to answer: metrics share a mode's answers
}

// score asks what a metric needs and stores predictions and score.
func (j *judging) score(ctx context.Context, metric string, test []data.TestItem, split string) error {
	t := j.job.Data.Task
	mode, reason := "", fmt.Sprintf("method %s cannot be scored by %s on task %s", j.c.Method.Name, metric, t.Name)
	for _, m := range modesFor(metric) {
		if slices.Contains(j.c.Method.Modes, m) && (m != spec.ModeLabels || len(t.Labels) > 0) {
			mode = m
			break
		}
	}
	if mode == "" {
		return fmt.Errorf("%s: it answers %v", reason, j.c.Method.Modes)
	}
	qs := questions(mode, t, test)
	fresh := j.answers[mode] == nil
	ps, err := j.ask(ctx, mode, split, qs)
	if err != nil {
		return err
	}
	var items []scored
	if mode == spec.ModeReward {
		items, err = pairs(qs, ps)
	} else {
		for i, q := range qs {
			s, e := scoreItem(metric, t, q, ps[i], j.job.Gold)
			if e != nil {
				err = e
				break
			}
			items = append(items, s)
		}
	}
	if err != nil {
		return err
	}
	return j.put(ctx, metric, mode, split, items, fresh)
}

// put writes the predictions, once for each mode, and the score; where test
// items stand in the training split too, also the score without them.
func (j *judging) put(ctx context.Context, metric, mode, split string, items []scored, fresh bool) error {
	overlap := map[string]bool{}
	for _, id := range j.job.Data.Overlap.TestIDs {
		overlap[id] = true
	}
	rows := make([]tracking.Prediction, len(items))
	var without []scored
	for i, s := range items {
		s.row.Task, s.row.Split, s.row.Mode, s.row.Overlap = j.job.Data.Task.Name, split, mode, overlap[s.row.ItemID]
		rows[i] = s.row
		if !s.row.Overlap {
			without = append(without, s)
		}
	}
	if fresh {
		if err := j.Store.PutPredictions(ctx, j.id, rows); err != nil {
			return err
		}
	}
	total := aggregate(metric, j.job.Data.Task, items)
	scores := []tracking.Score{total}
	if j.main == nil {
		j.main = &total
	}
	if len(without) < len(items) {
		s := aggregate(metric, j.job.Data.Task, without)
		s.Metric += "/without_overlap"
		scores = append(scores, s)
	}
	for i := range scores {
		scores[i].Task, scores[i].Split = j.job.Data.Task.Name, split
	}
	return j.Store.PutScores(ctx, j.id, scores)
}

// ask gets answers to questions, in their order.
func (j *judging) ask(ctx context.Context, mode, split string, qs []question) ([]spec.Prediction, error) {
	byID := j.answers[mode]
	if byID == nil {
		items := make([]spec.Item, len(qs))
		for i, q := range qs {
			items[i] = q.item
		}
		var err error
		if byID, err = j.predict(ctx, mode, split, items); err != nil {
			return nil, err
		}
		if j.answers == nil {
			j.answers = map[string]map[string]spec.Prediction{}
		}
		j.answers[mode] = byID
	}
	out := make([]spec.Prediction, len(qs))
	for i, q := range qs {
		p, ok := byID[q.item.ID]
		if !ok {
			return nil, fmt.Errorf("plugin %s gave no answer to item %s in mode %s", j.c.Method.Name, q.item.ID, mode)
		}
		out[i] = p
	}
	return out, nil
}

// askPrefix names the folders of questions; those of a killed host are swept.
const askPrefix = "tunelab-ask-"

func (j *judging) predict(ctx context.Context, mode, what string, items []spec.Item) (map[string]spec.Prediction, error) {
	// The questions, which may show targets, lie where no training can see them,
	// and no longer than they are asked.
	tmp, mark, err := living.MakeTemp(askPrefix)
	if err != nil {
		return nil, fmt.Errorf("make a folder for the questions: %w", err)
	}
	defer mark.Release()
	defer os.RemoveAll(tmp)
	path := filepath.Join(tmp, what+"-"+mode+".jsonl")
	sum, size, err := data.WriteItems(path, items)
	if err != nil {
		return nil, err
	}
	in := j.in
	in.WorkDir = filepath.Join(tmp, "work")
	if mode == spec.ModeLogprobs || mode == spec.ModeReward {
		in.CacheDir = filepath.Join(tmp, "cache")
	}
	if err := errors.Join(os.MkdirAll(in.WorkDir, 0o700), os.MkdirAll(in.CacheDir, 0o755)); err != nil {
		return nil, fmt.Errorf("make a folder for the questions: %w", err)
	}
	open := map[string]bool{} // asked and not answered yet
	for _, it := range items {
		open[it.ID] = true
	}
	out := map[string]spec.Prediction{}
	var cost spec.Cost
	before := j.c.Served()
	err = j.c.Predict(ctx, in, j.artifacts, mode, host.File{Path: path, SHA256: sum, Size: size}, func(ps []spec.Prediction, done, total int64) error {
		for _, p := range ps {
			if !open[p.ID] {
				return fmt.Errorf("plugin %s answered item %q in mode %s, which it was not asked, or twice", j.c.Method.Name, p.ID, mode)
			}
			delete(open, p.ID)
			out[p.ID] = p
			cost.PromptTokens += int64(p.PromptTokens)
			cost.GeneratedTokens += int64(p.GeneratedTokens)
			cost.FLOPs += p.FLOPs
		}
		j.update(Update{Phase: "predict " + what, Step: done, Total: total})
		return nil
	})
	served := j.c.Served()
	j.cost.PromptTokens += max(cost.PromptTokens, served.TrainTokens-before.TrainTokens)
	j.cost.GeneratedTokens += cost.GeneratedTokens
	j.cost.FLOPs += max(cost.FLOPs, served.FLOPs-before.FLOPs)
	if err != nil && ctx.Err() != nil {
		return nil, j.stopped(ctx)
	}
	return out, err
}

// forgetting scores the base model's own held-out text under the result; the
// same number of the base itself stands in the zero-shot row.
func (j *judging) forgetting(ctx context.Context) error {
	if len(j.job.HeldOut) == 0 || !slices.Contains(j.c.Method.Modes, spec.ModeLogprobs) || j.job.Spec.Stage == "reward" {
		return nil
	}
	ps, err := j.predict(ctx, spec.ModeLogprobs, "heldout", j.job.HeldOut)
	if err != nil {
		return err
	}
	sum, n := 0.0, 0
	for _, it := range j.job.HeldOut {
		for _, v := range ps[it.ID].Logprobs {
			sum -= v
			n++
		}
	}
	if n == 0 {
		return fmt.Errorf("plugin %s gave no log-probability of the held-out text", j.c.Method.Name)
	}
	detail, err := json.Marshal(map[string]int{"tokens": n})
	if err != nil {
		return err
	}
	return j.Store.PutScores(ctx, j.id, []tracking.Score{{Task: "heldout", Split: "heldout", Metric: HeldOutLoss,
		Value: sum / float64(n), N: int64(len(j.job.HeldOut)), StdErr: math.NaN(), Detail: detail}})
}

// HeldOutLoss is nats per token on the base model's own held-out text.
const HeldOutLoss = "heldout_loss"
