package conformance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/host"
	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/plugin/service"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune/tiny"
)

// record is what one run left behind.
type record struct {
	in          host.Input
	data        tiny.Data
	done        host.Done
	estimate    spec.Estimate
	metrics     map[string][]point
	progress    int64 // the last step reported
	checkpoints []saved
	hold        bool              // leave the checkpoints where they are
	given       map[string]string // files of the data: path to SHA-256
	files       map[string]string // of the result, likewise
	spoilt      string            // what it changed of the base model's folder
	took        time.Duration
}

type point struct {
	step  int64
	value float64
}

type saved struct {
	step int64
	dir  string // the kit's copy
	sent string // folder that the plugin gave
}

// last is the last step that the run told of, in progress or beforehand.
func (r *record) last() int64 { return max(r.progress, r.estimate.Steps) }

func (r *record) artifacts() string { return filepath.Join(r.in.WorkDir, "artifacts") }

// runLimit bounds a run of the kit, which takes a second or so.
const runLimit = 3 * time.Minute

// how a run is made; the zero value of a field takes the default named.
type how struct {
	params     map[string]any
	checkpoint string                              // folder to resume from; default none
	limit      time.Duration                       // default runLimit
	event      func(*host.Client, *pb.Event) error // called after it was noted
	data       *tiny.Data                          // default: the first kind's
	stage      string                              // default: the last
	inputs     []host.File                         // results of earlier stages; default: of all
	model      string                              // folder; default: the tiny model's
	cache      string                              // folder; default: one for all runs
	hold       bool                                // leave checkpoints where they are; default: copied and removed, as the host does
}

// seed of every run.
const seed = 11

func (s *session) launch() (*host.Client, error) {
	return host.Launch(s.ctx, s.o.Binary, host.LaunchOptions{Name: s.method.Name, StartIn: s.o.Start, HungAfter: 30 * time.Second, Features: service.Features})
}

// try makes a run; the record is there as far as the run got.
func (s *session) try(h how) (*record, error) {
	r := &record{metrics: map[string][]point{}, hold: h.hold}
	if h.data == nil {
		d := task(s.kinds[0])
		h.data = &d
	}
	if h.limit == 0 {
		h.limit = runLimit
	}
	r.data = *h.data
	var err error
	if r.in, err = s.given(r.data, h.params); err != nil {
		return r, err
	}
	if h.stage != "" {
		r.in.Spec.Stage, r.in.Inputs = h.stage, h.inputs
	}
	if h.model != "" {
		r.in.Model.Path = h.model
	}
	if h.cache != "" {
		r.in.CacheDir = h.cache
	}
	if r.given, err = sums(filepath.Dir(r.in.Train.Path)); err != nil {
		return r, err
	}
	c, err := s.launch()
	if err != nil {
		return r, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(s.ctx, h.limit)
	defer cancel()
	if r.estimate, err = c.Estimate(ctx, r.in); err != nil {
		return r, fmt.Errorf("estimate: %w", err)
	}
	start := time.Now()
	r.done, err = c.Run(ctx, r.in, host.File{Path: h.checkpoint}, func(e *pb.Event) error {
		err := r.note(e)
		if err == nil && h.event != nil {
			err = h.event(c, e)
		}
		return err
	})
	r.took = time.Since(start)
	s.listen()
	if errors.Is(err, context.DeadlineExceeded) && s.ctx.Err() == nil {
		return r, fmt.Errorf("the run had not ended after %v", h.limit)
	}
	if err != nil {
		return r, err
	}
	if r.files, err = sums(r.artifacts()); err != nil && !errors.Is(err, fs.ErrNotExist) { // a run that failed may have none
		return r, err
	}
	now, err := sums(s.model)
	r.spoilt = differentFile(s.before, now)
	return r, err
}

// finished is try for runs that must finish.
func (s *session) finished(h how) (*record, error) {
	r, err := s.try(h)
	if err == nil && r.done.State != "finished" {
		err = fmt.Errorf("the run ended as %s: %s", r.done.State, r.done.Reason)
	}
	return r, err
}

func (r *record) note(e *pb.Event) error {
	switch x := e.GetEvent().(type) {
	case *pb.Event_Metric:
		r.metrics[x.Metric.GetName()] = append(r.metrics[x.Metric.GetName()], point{x.Metric.GetStep(), x.Metric.GetValue()})
	case *pb.Event_Progress:
		r.progress = max(r.progress, x.Progress.GetStep())
	case *pb.Event_Checkpoint:
		return r.keep(x.Checkpoint)
	}
	return nil
}

// differs names the first difference between two runs, of the metrics after a
// step and of the results' files; "" when there is none.
func differs(a, b *record, after int64) string {
	later := func(list []point) (out []point) {
		for _, p := range list {
			if p.step > after || after == 0 {
				out = append(out, p)
			}
		}
		return out
	}
	for _, name := range slices.Sorted(maps.Keys(a.metrics)) {
		x, y := later(a.metrics[name]), later(b.metrics[name])
		if len(x) != len(y) {
			return fmt.Sprintf("%d values of the metric %s, then %d", len(x), name, len(y))
		}
		for i := range x {
			if x[i].step != y[i].step || math.Float64bits(x[i].value) != math.Float64bits(y[i].value) {
				return fmt.Sprintf("the metric %s is %v at step %d, then %v at step %d", name, x[i].value, x[i].step, y[i].value, y[i].step)
			}
		}
	}
	for name := range b.metrics {
		if _, ok := a.metrics[name]; !ok && len(later(b.metrics[name])) > 0 {
			return "the metric " + name + " came in the second run only"
		}
	}
	return differentFile(a.files, b.files)
}

func differentFile(a, b map[string]string) string {
	for _, f := range slices.Sorted(maps.Keys(a)) {
		if b[f] == "" {
			return "the file " + f + " is missing"
		}
		if a[f] != b[f] {
			return "the file " + f + " has other content"
		}
	}
	for _, f := range slices.Sorted(maps.Keys(b)) {
		if a[f] == "" {
			return "the file " + f + " is new"
		}
	}
	return ""
}

// sums hashes the files of a folder, by their path in it.
func sums(dir string) (map[string]string, error) {
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		sum := sha256.Sum256(raw)
		out[filepath.ToSlash(rel)] = hex.EncodeToString(sum[:])
		return err
	})
	return out, err
}

// ask has a fresh process answer the validation items from a sealed result; it
// is given no training data. The answers are JSON, one an item.
func (s *session) ask(r *record, artifacts, mode string) ([]string, []spec.Prediction, error) {
	asked := itemsOf(r.data, mode)
	all, _, err := s.answered(r, artifacts, mode, asked)
	if err != nil {
		return nil, nil, fmt.Errorf("mode %s: %w", mode, err)
	}
	if len(all) != len(asked) {
		return nil, nil, fmt.Errorf("mode %s: %d answers to %d items", mode, len(all), len(asked))
	}
	var lines []string
	for i, p := range all {
		if p.ID != asked[i].ID {
			return nil, nil, fmt.Errorf("mode %s: the answer to item %s came where that to %s belongs", mode, p.ID, asked[i].ID)
		}
		line, err := json.Marshal(p)
		if err != nil {
			return nil, nil, err
		}
		lines = append(lines, string(line))
	}
	return lines, all, nil
}

// answered asks a fresh process about items; largest is the size in bytes of
// the largest message of predictions, as the kit would write them.
func (s *session) answered(r *record, artifacts, mode string, asked []spec.Item) (all []spec.Prediction, largest int, err error) {
	c, err := s.launch()
	if err != nil {
		return nil, 0, err
	}
	defer c.Close()
	in := r.in
	in.Train, in.Validation = host.File{}, host.File{}
	if in.CacheDir, err = s.freshCache(); err != nil {
		return nil, 0, err
	}
	s.count++
	in.WorkDir = filepath.Join(s.root, "runs", fmt.Sprint(s.count))
	items := filepath.Join(in.WorkDir, "items.jsonl")
	if err := errors.Join(os.MkdirAll(in.WorkDir, 0o755), writeLines(items, asked)); err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithTimeout(s.ctx, runLimit)
	defer cancel()
	err = c.Predict(ctx, in, host.File{Path: artifacts}, mode, host.File{Path: items}, func(ps []spec.Prediction, _, _ int64) error {
		size := 0
		for _, p := range ps {
			line, err := spec.Canonical(p)
			if err != nil {
				return err
			}
			size += len(line) + 1
		}
		largest = max(largest, size)
		all = append(all, ps...)
		return nil
	})
	s.listen()
	return all, largest, err
}

func itemsOf(d tiny.Data, mode string) (out []spec.Item) {
	for _, e := range d.Validation {
		it := spec.Item{ID: e.ID, Prompt: e.Prompt, Input: e.Input}
		right := e.Answer
		if right == "" {
			right = e.Chosen
		}
		switch mode {
		case spec.ModeLogprobs:
			it.Target = right
		case spec.ModeReward:
			it.Response = right
		case spec.ModeChoices:
			it.Choices = []string{right, "no " + right}
		}
		out = append(out, it)
	}
	return out
}

// modes are those that the method claims and that fit a task.
func (s *session) modes(d tiny.Data) (out []string) {
	for _, m := range s.method.Modes {
		if m != spec.ModeLabels || len(d.Task.Labels) > 0 {
			out = append(out, m)
		}
	}
	return out
}

// kill ends the plugin's process as kill -9 does.
func kill(c *host.Client) error { return syscall.Kill(c.PID(), syscall.SIGKILL) }
