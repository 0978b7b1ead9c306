package run

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"sort"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/data"
	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

// streams are the named seeds that a run's row lists.
var streams = []string{spec.StreamInit, spec.StreamData, spec.StreamDropout, spec.StreamSampling, spec.StreamShots}

// row is the run as it is recorded before anything starts.
func (a *active) row() (tracking.NewRun, error) {
	raw, err := spec.Canonical(a.job.Spec)
	if err != nil {
		return tracking.NewRun{}, err
	}
	template, err := spec.Hash([]string{a.job.Spec.Task.Prompt, a.job.Spec.Task.Delimiter, a.job.Spec.Task.Separator, a.job.Spec.Task.Answer})
	if err != nil {
		return tracking.NewRun{}, err
	}
	machine, err := json.Marshal(thisMachine(a.job.Spec.Compute))
	if err != nil {
		return tracking.NewRun{}, err
	}
	seeds := map[string]string{}
	for _, s := range streams {
		seeds[s] = fmt.Sprintf("%x", spec.StreamSeed(a.job.Spec.Seed, s))
	}
	named, err := json.Marshal(seeds)
	if err != nil {
		return tracking.NewRun{}, err
	}
	exp, err := a.Store.GetOrCreateExperiment(context.Background(), a.job.Experiment)
	if err != nil {
		return tracking.NewRun{}, err
	}
	n := tracking.NewRun{Parents: a.job.Parents, Run: tracking.Run{
		Name: a.label(), Method: a.job.Spec.Method, Stage: a.job.Spec.Stage, Task: a.job.Spec.Task.Name, Seed: a.job.Spec.Seed,
		Experiment: exp.ID, SpecJSON: raw, CodeVersion: codeVersion(a.Version), Machine: machine, NamedSeeds: named, Unlocked: a.found.State == host.Unlocked,
		Hashes: map[string]string{"model": a.job.Spec.Model.SHA256, "data": a.job.Data.Hash, "template": template, "asked": a.asked},
	}}
	if a.chat != "" {
		n.Run.Hashes["chat_template"] = a.chat
	}
	for _, k := range sortedKeys(a.job.Spec.Params) {
		v, err := json.Marshal(a.job.Spec.Params[k])
		if err != nil {
			return n, err
		}
		n.Params = append(n.Params, tracking.Param{Key: k, Value: v})
	}
	return n, nil
}

// machine says where a run ran: for reading, never for its identity.
type machine struct {
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Cores    int    `json:"cores"`
	Memory   int64  `json:"memory_bytes,omitempty"`
	Engine   string `json:"engine"`
	Features string `json:"features"`
	Go       string `json:"go"`
}

func thisMachine(c spec.Compute) machine {
	m := machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU(), Memory: memoryTotal(), Go: runtime.Version(), Engine: c.Engine}
	if m.Engine == "" {
		m.Engine = "cpu"
	}
	if e, err := compute.OpenPrecise(m.Engine, c.Precision, 1); err == nil {
		m.Features = e.Features()
		compute.Close(e)
	}
	return m
}

// codeVersion is the program's version and, where the build knows it, the
// commit.
func codeVersion(v string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v += "+" + s.Value
		}
		if s.Key == "vcs.modified" && s.Value == "true" {
			v += ".modified"
		}
	}
	return v
}

func writeExamples(path string, ex []spec.Example) (host.File, error) {
	if len(ex) == 0 {
		return host.File{}, nil
	}
	sum, size, err := data.WriteExamples(path, ex)
	return host.File{Path: path, SHA256: sum, Size: size}, err
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
