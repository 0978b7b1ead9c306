package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tunelab/tunelab/framework/eval/compare"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

// Results reads a study's cells from the record of its runs: one result for
// each run and metric of the table, with the further scores beside the first.
func (l *Lab) Results(ctx context.Context, r *Record) ([]compare.Result, error) {
	var out []compare.Result
	for _, c := range r.Cells {
		found, err := l.cellResults(ctx, c)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	for _, s := range r.Skipped {
		out = append(out, compare.Result{Method: s.Method, Label: s.Label, Task: s.Task, Status: compare.NotApplicable, Reason: s.Reason, Baseline: s.Label == ZeroShot || s.Label == MajorityClass})
	}
	before := heldOutBefore(out)
	for i := range out {
		if _, has := out[i].Extra[run.HeldOutLoss]; has && before != nil && !out[i].Baseline {
			out[i].Extra[run.HeldOutLoss+"_before"] = *before
		}
	}
	return out, nil
}

// heldOutBefore is the base model's own loss on the held-out text, which the
// zero-shot row has.
func heldOutBefore(rs []compare.Result) *float64 {
	for _, r := range rs {
		if v, ok := r.Extra[run.HeldOutLoss]; ok && r.Label == ZeroShot {
			return &v
		}
	}
	return nil
}

func (l *Lab) cellResults(ctx context.Context, c Cell) ([]compare.Result, error) {
	base := compare.Result{RunID: c.Run, Method: c.Method, Label: c.Label, Task: c.Task, Seed: c.Seed, Baseline: c.Baseline}
	if c.Run == "" {
		base.Status, base.Reason = compare.Failed, c.Reason
		return []compare.Result{base}, nil
	}
	row, err := l.Store.GetRun(ctx, c.Run)
	if errors.Is(err, tracking.NotFound) {
		base.Status, base.Reason = compare.Failed, "its run has been deleted"
		return []compare.Result{base}, nil
	} else if err != nil {
		return nil, fmt.Errorf("the run of %s on %s, seed %d: %w", c.Label, c.Task, c.Seed, err)
	}
	if base.Cost, err = l.chainCost(ctx, row); err != nil {
		return nil, err
	}
	if row.Status != tracking.Finished {
		base.Status, base.Reason = string(row.Status), row.Reason
		if i := strings.IndexByte(base.Reason, '\n'); i >= 0 {
			base.Reason = base.Reason[:i]
		}
		if row.Stage != "" {
			base.Reason = "stage " + row.Stage + ": " + base.Reason
		}
		return []compare.Result{base}, nil
	}
	sp, err := specOf(row)
	if err != nil {
		return nil, err
	}
	scores, err := l.Store.Scores(ctx, row.ID)
	if err != nil {
		return nil, err
	}
	base.Status = compare.Finished
	var out []compare.Result
	extra := map[string]float64{}
	for _, s := range scores {
		if s.Task != c.Task || !inTable(s.Metric, sp.Task) {
			extra[s.Metric] = s.Value
			continue
		}
		r := base
		r.Metric, r.Value, r.LowerIsBetter = s.Metric, s.Value, run.LowerIsBetter(s.Metric)
		if err := l.items(ctx, &r); err != nil {
			return nil, err
		}
		if s.Metric == sp.Task.Metric { // the task's own metric comes first
			out = append([]compare.Result{r}, out...)
		} else {
			out = append(out, r)
		}
	}
	if err := l.stageScores(ctx, row, extra); err != nil {
		return nil, err
	}
	if len(out) > 0 && len(extra) > 0 {
		out[0].Extra = extra
	}
	return out, nil
}

// stageScores adds what a chain's earlier stages were judged by.
func (l *Lab) stageScores(ctx context.Context, row tracking.Run, extra map[string]float64) error {
	chain, err := l.chain(ctx, row)
	if err != nil {
		return err
	}
	for _, stage := range chain[:len(chain)-1] {
		s, err := l.mainScore(ctx, stage)
		if err != nil {
			return err
		}
		if s != nil {
			extra[stage.Stage+" stage: "+s.Metric] = s.Value
		}
	}
	return nil
}

// inTable tells whether a metric has a column of its own: the task's metric,
// and how often a generated answer of an instruction task is right.
func inTable(metric string, t spec.Task) bool {
	return metric == t.Metric || t.Kind == spec.Instruction && metric == run.ExactMatch
}

// items adds the scores of the test items, where the metric is made of them.
func (l *Lab) items(ctx context.Context, r *compare.Result) error {
	ps, err := l.Store.Predictions(ctx, r.RunID, tracking.PredictionFilter{Task: r.Task, Split: "test"})
	if err != nil {
		return err
	}
	mode := run.ModeOf(r.Metric, ps)
	for _, p := range ps {
		if p.Mode != mode {
			continue
		}
		r.ItemIDs = append(r.ItemIDs, p.ItemID)
		r.ItemScores = append(r.ItemScores, p.Score)
		if mode == spec.ModeLogprobs {
			var a spec.Prediction
			if err := json.Unmarshal(p.Output, &a); err != nil {
				return fmt.Errorf("run %s, item %s: its recorded answer: %w", r.RunID, p.ItemID, err)
			}
			r.ItemWeights = append(r.ItemWeights, float64(len(a.Logprobs)))
		}
	}
	return nil
}

// chainCost is what a run cost together with the stages it started from and the
// trials that chose its parameters.
// Trainable parameters are the most of any stage.
func (l *Lab) chainCost(ctx context.Context, row tracking.Run) (compare.Cost, error) {
	total, err := costOf(row)
	if err != nil {
		return total, err
	}
	parents, err := l.Store.Parents(ctx, row.ID)
	if err != nil {
		return total, err
	}
	for _, p := range parents {
		if p.Relation != tracking.InitialisedFrom && p.Relation != tracking.ResumedFrom && p.Relation != tracking.TunedFrom {
			continue
		}
		stage, err := l.Store.GetRun(ctx, p.Parent)
		if err != nil {
			return total, err
		}
		c, err := costOf(stage)
		if p.Relation == tracking.TunedFrom { // a trial may be a chain itself; its artifact is not part of the result
			c, err = l.chainCost(ctx, stage)
			c.ArtifactBytes = 0
		}
		if err != nil {
			return total, err
		}
		total.WallSeconds += c.WallSeconds
		total.CPUSeconds += c.CPUSeconds
		total.PeakMemoryBytes = max(total.PeakMemoryBytes, c.PeakMemoryBytes)
		if p.Relation == tracking.ResumedFrom { // its tokens and FLOPs go on counting in the resumed run
			continue
		}
		total.TrainTokens += c.TrainTokens
		total.PromptTokens += c.PromptTokens
		total.GeneratedTokens += c.GeneratedTokens
		total.FLOPs += c.FLOPs
		total.ArtifactBytes += c.ArtifactBytes
		total.TrainableParams = max(total.TrainableParams, c.TrainableParams)
		total.LabelledExamples = max(total.LabelledExamples, c.LabelledExamples)
		for k, v := range c.ExtraSupervision {
			if total.ExtraSupervision == nil {
				total.ExtraSupervision = map[string]int{}
			}
			total.ExtraSupervision[k] = max(total.ExtraSupervision[k], v)
		}
	}
	return total, nil
}

func costOf(row tracking.Run) (compare.Cost, error) {
	var c compare.Cost
	if len(row.Cost) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(row.Cost, &c); err != nil {
		return c, fmt.Errorf("run %s: its recorded cost: %w", row.ID, err)
	}
	return c, nil
}
