package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune/tiny"
)

// session is what the checks share.
type session struct {
	ctx     context.Context
	o       Options
	root    string // of all files
	restore func()
	model   string // folder of the tiny model
	before  map[string]string

	started bool // the plugin got past the handshake
	sha256  string
	method  spec.Method
	schema  spec.Schema

	kinds    []string // kinds of task that it claims and the kit has
	earlier  []host.File
	base     *record   // the uninterrupted run that others are compared with
	stages   []*record // of a chain, one each, and base the last of them; else base alone
	baseErr  error
	answers  map[string][]string // of base, by mode; nil: predicting failed
	unseeded bool                // two runs with one seed differ
	stopped  *record
	merged   *record
	heard    []string // network ports on which something was seen to listen
	count    int
}

func open(ctx context.Context, o Options) (*session, error) {
	s := &session{ctx: ctx, o: o}
	var err error
	if s.root, s.restore, err = temp(); err != nil {
		return nil, err
	}
	s.model = filepath.Join(s.root, "model")
	if err = os.Mkdir(s.model, 0o755); err == nil {
		if err = tiny.Model(s.model, checkpoint.Llama); err == nil {
			s.before, err = sums(s.model)
		}
	}
	if err != nil {
		s.restore()
		return nil, err
	}
	return s, nil
}

func (s *session) close() { s.restore() }

// task is the tiny task of a kind; the examples of a generation task carry
// worked reasoning, for methods that show it.
func task(kind string) tiny.Data {
	switch kind {
	case spec.Classification:
		return tiny.Classification()
	case spec.Preference:
		d := tiny.Preference() // a method that is trained by examples takes the chosen response
		d.Task.Answer = d.Task.Chosen
		for _, list := range [][]spec.Example{d.Train, d.Validation} {
			for i := range list {
				list[i].Answer = list[i].Chosen
			}
		}
		return d
	}
	d := tiny.Completion(kind)
	for _, list := range [][]spec.Example{d.Train, d.Validation} {
		for i := range list {
			e := &list[i]
			e.Reasoning = fmt.Sprintf("One more. The answer is %s.", e.Answer)
			e.Fields["reasoning"] = e.Reasoning
		}
	}
	d.Task.Reasoning = "{reasoning}"
	return d
}

// given writes a task's examples and makes a run's input, in a new work folder.
func (s *session) given(d tiny.Data, params map[string]any) (host.Input, error) {
	s.count++
	work := filepath.Join(s.root, "runs", fmt.Sprint(s.count))
	in := host.Input{RunID: fmt.Sprint("conformance-", s.count), WorkDir: work, CacheDir: s.sharedCache(), Model: host.File{Path: s.model}, Inputs: s.earlier,
		Spec:  spec.Run{Task: d.Task, Method: s.method.Name, Params: params, Seed: seed, Compute: spec.Compute{Engine: "cpu", Precision: "f32", Threads: 1}},
		Train: host.File{Path: filepath.Join(work, "data", "train.jsonl")}, Validation: host.File{Path: filepath.Join(work, "data", "validation.jsonl")}}
	if n := len(s.method.Stages); n > 0 {
		in.Spec.Stage = s.method.Stages[n-1]
	}
	err := errors.Join(os.MkdirAll(filepath.Dir(in.Train.Path), 0o755), os.MkdirAll(in.CacheDir, 0o755),
		writeLines(in.Train.Path, d.Train), writeLines(in.Validation.Path, d.Validation))
	return in, err
}

// sharedCache is the cache folder of most runs, as a host has one for all; with
// it a plugin could hide what it must take from the seed or the sealed result,
// so that the checks of these give each process one of its own.
func (s *session) sharedCache() string { return filepath.Join(s.root, "cache") }

func (s *session) freshCache() (string, error) {
	dir := filepath.Join(s.root, "caches")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return os.MkdirTemp(dir, "")
}

func writeLines[T any](path string, list []T) error {
	var out []byte
	for _, v := range list {
		line, err := json.Marshal(v)
		if err != nil {
			return err
		}
		out = append(append(out, line...), '\n')
	}
	return os.WriteFile(path, out, 0o444)
}

// short are the parameters of most runs: a few steps, checkpoints on the way.
func (s *session) short(over map[string]any) map[string]any {
	return s.params(map[string]any{"max_steps": 6, "eval_every": 2, "batch_size": 4}, s.o.Params, over)
}

// long are those of a run that is to be stopped.
func (s *session) long() map[string]any {
	return s.params(map[string]any{"max_steps": 1_000_000, "epochs": 100_000, "eval_every": 1000, "batch_size": 1}, s.o.Params, s.o.Long)
}

// params takes the kit's values where the schema has a number of that name,
// within its range, then the others as they are.
func (s *session) params(kit map[string]any, others ...map[string]any) map[string]any {
	out := map[string]any{}
	for _, p := range s.schema.Params {
		v, ok := kit[p.Name]
		if !ok || p.Type != "int" && p.Type != "float" {
			continue
		}
		x := float64(v.(int))
		if p.Max != nil {
			x = min(x, *p.Max)
		}
		if p.Min != nil {
			x = max(x, *p.Min)
		}
		out[p.Name] = x
	}
	for _, o := range others {
		maps.Copy(out, o)
	}
	return s.resolved(out)
}

// resolved fills in the schema's defaults, as the host does; values that the
// schema refuses stay as they are, for the plugin to refuse.
func (s *session) resolved(given map[string]any) map[string]any {
	p, ds := s.schema.Resolve("params", given)
	if len(ds) > 0 {
		return given
	}
	return p
}

func (s *session) param(name string) *spec.Param {
	i := slices.IndexFunc(s.schema.Params, func(p spec.Param) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &s.schema.Params[i]
}

// needs says why a check that builds on the plugin's start, or on its run, is
// not made.
func (s *session) needs(run bool) error {
	if !s.started {
		return notApplicable("the plugin does not start: see handshake")
	}
	if run && s.base == nil {
		return notApplicable("no run finished: see message-size and run")
	}
	return nil
}
