package lab

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

// Replayed is the outcome of running a recorded run, or chain of runs, again.
type Replayed struct {
	Run       string   `json:"run"`       // the recorded run
	Replay    string   `json:"replay"`    // the new run
	Stages    []Stage  `json:"stages"`    // in the order of the chain
	Identical bool     `json:"identical"` // of all stages
	Changed   []string `json:"changed"`   // what differs in the surroundings: binaries, machine, code
	Metrics   int      `json:"metrics"`   // compared, of all stages
	Answers   int      `json:"answers"`   // predictions compared, of all stages
	Files     int      `json:"files"`     // artifacts compared, of all stages
}

// Stage is one run of the chain.
type Stage struct {
	Stage      string `json:"stage,omitempty"`
	Run        string `json:"run"`
	Replay     string `json:"replay"`
	Difference string `json:"difference,omitempty"` // the first; empty: bit-identical
}

// Replay runs a finished run again, all stages of a chain included, and
// compares every metric, prediction, score and artifact bit for bit. Times and
// memory are not compared. An error means that it could not be run.
func (l *Lab) Replay(ctx context.Context, id string) (*Replayed, error) {
	row, err := l.Store.GetRun(ctx, id)
	if err != nil {
		return nil, err
	}
	chain, err := l.chain(ctx, row)
	if err != nil {
		return nil, err
	}
	for _, r := range chain {
		if r.Status != tracking.Finished {
			return nil, l.unfinished(ctx, r)
		}
		if r.NotReplayable {
			return nil, fmt.Errorf("run %s was ended by the clock (budget.max_wall_seconds) and cannot be replayed", r.ID)
		}
	}
	out := &Replayed{Run: row.ID, Identical: true, Changed: []string{}}
	inputs := map[string]string{}
	var refs []spec.Ref
	var parents []tracking.Parent
	for _, old := range chain {
		job, _, err := l.again(ctx, old.ID)
		if err != nil {
			return nil, err
		}
		job.Parents = append([]tracking.Parent{{Parent: old.ID, Relation: tracking.ReplayOf}}, parents...)
		job.Inputs, job.Spec.Inputs = clone(inputs), append([]spec.Ref(nil), refs...)
		if asked, err := l.hasHeldOut(ctx, old.ID); err != nil {
			return nil, err
		} else if !asked { // as of a chain's stages before the last
			job.HeldOut = nil
		}
		var made string
		if old.Method == run.Majority {
			made, err = l.runner.RunMajority(ctx, job)
		} else {
			made, err = l.runner.Run(ctx, job)
		}
		if err != nil {
			return nil, err
		}
		st := Stage{Stage: old.Stage, Run: old.ID, Replay: made}
		if st.Difference, err = l.firstDifference(ctx, old.ID, made, out); err != nil {
			return nil, err
		}
		if st.Difference != "" {
			out.Identical = false
		}
		out.Stages, out.Replay = append(out.Stages, st), made
		now, err := l.Store.GetRun(ctx, made)
		if err != nil {
			return nil, err
		}
		out.Changed = append(out.Changed, surroundings(old, now)...)
		if old.ID != row.ID {
			dir, ref, err := l.runner.Result(ctx, made)
			if err != nil {
				return nil, err
			}
			inputs[old.Stage], refs = dir, append(refs, ref)
			parents = append(parents, tracking.Parent{Parent: made, Relation: tracking.InitialisedFrom})
		}
	}
	slices.Sort(out.Changed)
	out.Changed = slices.Compact(out.Changed)
	return out, nil
}

// chain lists the stages that a run started from, and the run itself.
func (l *Lab) chain(ctx context.Context, row tracking.Run) ([]tracking.Run, error) {
	parents, err := l.Store.Parents(ctx, row.ID)
	if err != nil {
		return nil, err
	}
	var out []tracking.Run
	for _, p := range parents {
		if p.Relation != tracking.InitialisedFrom {
			continue
		}
		stage, err := l.Store.GetRun(ctx, p.Parent)
		if err != nil {
			return nil, err
		}
		out = append(out, stage)
	}
	return append(out, row), nil
}

// unfinished says why a run cannot be replayed, and which one can that went on
// from it.
func (l *Lab) unfinished(ctx context.Context, r tracking.Run) error {
	why := fmt.Errorf("run %s is %s; only a finished run can be replayed", r.ID, r.Status)
	for at := []string{r.ID}; len(at) > 0; at = at[1:] {
		children, err := l.Store.Children(ctx, at[0])
		if err != nil {
			return err
		}
		for _, c := range children {
			if c.Relation != tracking.ResumedFrom {
				continue
			}
			next, err := l.Store.GetRun(ctx, c.Run)
			if err != nil {
				return err
			}
			if next.Status == tracking.Finished {
				return fmt.Errorf("%w: run %s went on from it; replay that one", why, next.ID)
			}
			at = append(at, next.ID)
		}
	}
	return why
}

// hasHeldOut tells whether a run was scored on the held-out text.
func (l *Lab) hasHeldOut(ctx context.Context, id string) (bool, error) {
	scores, err := l.Store.Scores(ctx, id)
	return slices.ContainsFunc(scores, func(s tracking.Score) bool { return s.Metric == run.HeldOutLoss }), err
}

// firstDifference compares two runs; "" when they are bit-identical.
func (l *Lab) firstDifference(ctx context.Context, a, b string, count *Replayed) (string, error) {
	am, err := l.Store.Metrics(ctx, a, tracking.MetricFilter{})
	if err != nil {
		return "", err
	}
	bm, err := l.Store.Metrics(ctx, b, tracking.MetricFilter{})
	if err != nil {
		return "", err
	}
	count.Metrics += len(am)
	for i := range min(len(am), len(bm)) {
		x, y := am[i], bm[i]
		if x.Name != y.Name || x.Step != y.Step {
			return fmt.Sprintf("metric %d is %s at step %d, was %s at step %d", i+1, y.Name, y.Step, x.Name, x.Step), nil
		}
		if math.Float64bits(x.Value) != math.Float64bits(y.Value) && !(math.IsNaN(x.Value) && math.IsNaN(y.Value)) {
			return fmt.Sprintf("metric %s at step %d is %v, was %v", x.Name, x.Step, y.Value, x.Value), nil
		}
	}
	if len(am) != len(bm) {
		return fmt.Sprintf("%d metrics, were %d", len(bm), len(am)), nil
	}
	if d, err := l.answersDiffer(ctx, a, b, count); d != "" || err != nil {
		return d, err
	}
	return l.filesDiffer(ctx, a, b, count)
}

func (l *Lab) answersDiffer(ctx context.Context, a, b string, count *Replayed) (string, error) {
	ap, err := l.Store.Predictions(ctx, a, tracking.PredictionFilter{})
	if err != nil {
		return "", err
	}
	bp, err := l.Store.Predictions(ctx, b, tracking.PredictionFilter{})
	if err != nil {
		return "", err
	}
	count.Answers += len(ap)
	for i := range min(len(ap), len(bp)) {
		if x, y := ap[i], bp[i]; x.ItemID != y.ItemID || x.Mode != y.Mode || string(x.Output) != string(y.Output) {
			return fmt.Sprintf("the %s answer to item %s is %s, was %s", y.Mode, y.ItemID, brief(y.Output), brief(x.Output)), nil
		}
	}
	if len(ap) != len(bp) {
		return fmt.Sprintf("%d answers, were %d", len(bp), len(ap)), nil
	}
	as, err := l.Store.Scores(ctx, a)
	if err != nil {
		return "", err
	}
	bs, err := l.Store.Scores(ctx, b)
	if err != nil {
		return "", err
	}
	for i := range min(len(as), len(bs)) {
		if x, y := as[i], bs[i]; x.Metric != y.Metric || x.Task != y.Task || math.Float64bits(x.Value) != math.Float64bits(y.Value) {
			return fmt.Sprintf("the score %s on %s is %v, was %s %v", y.Metric, y.Task, y.Value, x.Metric, x.Value), nil
		}
	}
	if len(as) != len(bs) {
		return fmt.Sprintf("%d scores, were %d", len(bs), len(as)), nil
	}
	return "", nil
}

// filesDiffer compares results by content. Checkpoints are left out: a resumed
// run has not written those before it.
func (l *Lab) filesDiffer(ctx context.Context, a, b string, count *Replayed) (string, error) {
	files := func(id string) ([]tracking.ArtifactRef, error) {
		refs, err := l.Store.Artifacts(ctx, id, tracking.Out)
		return slices.DeleteFunc(refs, func(r tracking.ArtifactRef) bool { return !strings.HasPrefix(r.Path, "result/") }), err
	}
	af, err := files(a)
	if err != nil {
		return "", err
	}
	bf, err := files(b)
	if err != nil {
		return "", err
	}
	count.Files += len(af)
	for i := range min(len(af), len(bf)) {
		if x, y := af[i], bf[i]; x.Path != y.Path || x.SHA256 != y.SHA256 {
			return fmt.Sprintf("artifact %s is %.12s, was %s %.12s", y.Path, y.SHA256, x.Path, x.SHA256), nil
		}
	}
	if len(af) != len(bf) {
		return fmt.Sprintf("%d artifacts, were %d", len(bf), len(af)), nil
	}
	return "", nil
}

func brief(raw []byte) string {
	if len(raw) > 120 {
		return string(raw[:120]) + "..."
	}
	return string(raw)
}

// surroundings lists what differs around two runs that should be equal.
func surroundings(a, b tracking.Run) []string {
	var out []string
	for _, k := range sortedKeys(a.Hashes) {
		if a.Hashes[k] != b.Hashes[k] {
			s := fmt.Sprintf("%s: %.12s, was %.12s", k, b.Hashes[k], a.Hashes[k])
			if k == "plugin" && a.Unlocked {
				s += ", which no lock file held (the run is unlocked)"
			}
			out = append(out, s)
		}
	}
	if a.SpecHash != b.SpecHash {
		out = append(out, fmt.Sprintf("spec: %.12s, was %.12s", b.SpecHash, a.SpecHash))
	}
	if a.CodeVersion != b.CodeVersion {
		out = append(out, fmt.Sprintf("code: %s, was %s", b.CodeVersion, a.CodeVersion))
	}
	if string(a.Machine) != string(b.Machine) {
		out = append(out, fmt.Sprintf("machine: %s, was %s", b.Machine, a.Machine))
	}
	return out
}
