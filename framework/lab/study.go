package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/spec"
)

// Study is a comparison as data: every method on every task with every seed,
// under one budget. STUDIES.md documents each field.
type Study struct {
	Name       string        `yaml:"name" json:"name"`             // the experiment its runs are recorded in; default "study"
	Model      string        `yaml:"model" json:"model"`           // Hugging Face folder; default: the embedded base model
	Tasks      []string      `yaml:"tasks" json:"tasks"`           // task files, or names of embedded tasks
	Methods    []MethodEntry `yaml:"methods" json:"methods"`       // what is compared
	Seeds      []int64       `yaml:"seeds" json:"seeds"`           // default [42]
	Budget     spec.Budget   `yaml:"budget" json:"budget"`         // equal for every method
	Compute    spec.Compute  `yaml:"compute" json:"compute"`       // engine, precision, threads
	Test       int           `yaml:"test" json:"test"`             // test examples to ask, a seeded choice equal for all; 0: all
	Baselines  *bool         `yaml:"baselines" json:"baselines"`   // majority class and base zero-shot; default true
	Forgetting string        `yaml:"forgetting" json:"forgetting"` // JSONL file with a text field; default: the base model's own held-out text

	dir  string // of the study file: relative paths start here
	bare bool   // one run, made without a study: its parameters are named without their place in one
}

// MethodEntry is one row of the table.
type MethodEntry struct {
	Name   string           `yaml:"name" json:"name"`     // plugin name
	Label  string           `yaml:"label" json:"label"`   // how the table calls it; default the name
	Tasks  []string         `yaml:"tasks" json:"tasks"`   // only on these tasks; default all
	Params map[string]any   `yaml:"params" json:"params"` // hyper-parameters; the rest are the method's defaults
	Sweep  map[string][]any `yaml:"sweep" json:"sweep"`   // tuning: values to try, the best on the validation split is tested; at most budget.trials combinations
	Plugin string           `yaml:"plugin" json:"plugin"` // path of the plugin binary; default: found by name
}

// LoadStudy reads a study file. Relative paths in it start at its folder.
func LoadStudy(path string) (*Study, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the study: %w", err)
	}
	return parseStudy(raw, path)
}

// unknownField is how the YAML reader tells of one, with a type of this program.
var unknownField = regexp.MustCompile(`field (\S+) not found in type (?:struct \{.*?\}|[\w.]+)`)

// parseStudy is LoadStudy without reading the file.
func parseStudy(raw []byte, path string) (*Study, error) {
	var s Study
	if err := yaml.Load(raw, &s, yaml.WithKnownFields()); err != nil {
		return nil, fmt.Errorf("study %s: %s; STUDIES.md lists the fields", path, unknownField.ReplaceAllString(err.Error(), "unknown field $1"))
	}
	s.dir = filepath.Dir(path)
	if ds := s.check(); ds.Err() != nil {
		return nil, fmt.Errorf("study %s:\n%w", path, ds)
	}
	return &s, nil
}

// check fills in defaults and reports every mistake.
func (s *Study) check() spec.Diagnostics {
	var ds spec.Diagnostics
	if s.Name == "" {
		s.Name = "study"
	}
	if len(s.Seeds) == 0 {
		s.Seeds = []int64{42}
	}
	if len(s.Tasks) == 0 {
		ds.Add("tasks", "no task", "name a task file or an embedded task (tunelab tasks list)")
	}
	if len(s.Methods) == 0 {
		ds.Add("methods", "no method", "name at least one (tunelab plugins list)")
	}
	seen := map[int64]bool{}
	for i, v := range s.Seeds {
		if seen[v] {
			ds.Add(fmt.Sprintf("seeds[%d]", i), fmt.Sprintf("seed %d stands twice", v), "a seed used twice adds no evidence; remove it")
		}
		seen[v] = true
	}
	if s.Name != filepath.Base(s.Name) || s.Name == "." || s.Name == ".." {
		ds.Add("name", fmt.Sprintf("%q is no plain name", s.Name), "leave out slashes: files are named by it")
	}
	listed := map[string]bool{}
	for i, t := range s.Tasks {
		if listed[t] {
			ds.Add(fmt.Sprintf("tasks[%d]", i), fmt.Sprintf("%q stands twice", t), "remove one")
		}
		listed[t] = true
	}
	labels := map[string]bool{ZeroShot: true, MajorityClass: true}
	for i := range s.Methods {
		m := &s.Methods[i]
		at := fmt.Sprintf("methods[%d]", i)
		if m.Name == "" {
			ds.Add(at+".name", "no name", "give the plugin's name")
		}
		if m.Label == "" {
			m.Label = m.Name
		}
		if labels[m.Label] {
			ds.Add(at+".label", fmt.Sprintf("%q stands twice", m.Label), "give one of them another label")
		}
		labels[m.Label] = true
		for k := range m.Sweep {
			if _, twice := m.Params[k]; twice {
				ds.Add(at+".sweep."+k, "it is in params too", "keep it in one of the two")
			}
		}
		if n := len(m.combinations()); n > max(s.Budget.Trials, 1) {
			ds.Add(at+".sweep", fmt.Sprintf("%d combinations, but the budget allows %d tuning trials", n, max(s.Budget.Trials, 1)), "raise budget.trials for every method or sweep fewer values")
		}
	}
	switch s.Budget.Match {
	case "", "examples":
	case "tokens":
		if s.Budget.MaxTokens <= 0 {
			ds.Add("budget.max_tokens", "match: tokens needs a number of tokens", "set it above 0")
		}
	case "flops":
		if s.Budget.MaxFLOPs <= 0 {
			ds.Add("budget.max_flops", "match: flops needs a number of FLOPs", "set it above 0")
		}
	default:
		ds.Add("budget.match", fmt.Sprintf("%q is not a choice", s.Budget.Match), "choose examples, tokens or flops")
	}
	switch p := s.Compute.Precision; {
	case p != "" && p != compute.FullPrecision && p != compute.BF16Precision:
		ds.Add("compute.precision", fmt.Sprintf("%q is not a precision", p), "choose f32 or bf16")
	case p == compute.BF16Precision && s.Compute.Engine == "ref":
		ds.Add("compute.precision", "the reference engine computes in f32 only", "use engine cpu, or precision f32")
	}
	if l := s.Budget.Limits; l.AddressSpaceBytes < 0 || l.CPUSeconds < 0 || l.OpenFiles < 0 {
		ds.Add("budget.limits", "a limit below 0", "use 0 for none")
	}
	if e := s.Compute.Engine; e != "" && e != "cpu" && e != "ref" {
		ds.Add("compute.engine", fmt.Sprintf("%q is not an engine", e), "choose cpu or ref")
	}
	for _, f := range []struct {
		path  string
		value float64
	}{{"compute.threads", float64(s.Compute.Threads)}, {"budget.max_wall_seconds", s.Budget.MaxWallSeconds}, {"budget.max_memory_bytes", float64(s.Budget.MaxMemoryBytes)}} {
		if f.value < 0 {
			ds.Add(f.path, fmt.Sprintf("%g is below 0", f.value), "use 0 for the default")
		}
	}
	if s.Test < 0 || s.Budget.Examples < 0 {
		ds.Add("budget", "a number of examples below 0", "use 0 for all")
	}
	return ds
}

// combinations lists the parameter sets a method entry stands for, in a fixed
// order: its params alone, or its params with each combination of the sweep.
func (m *MethodEntry) combinations() []map[string]any {
	out := []map[string]any{clone(m.Params)}
	for _, k := range sortedKeys(m.Sweep) {
		var next []map[string]any
		for _, base := range out {
			for _, v := range m.Sweep[k] {
				c := clone(base)
				c[k] = v
				next = append(next, c)
			}
		}
		out = next
	}
	return out
}

func (s *Study) baselines() bool { return s.Baselines == nil || *s.Baselines }

// path resolves a path of the study file.
func (s *Study) path(p string) string {
	if p == "" || filepath.IsAbs(p) || strings.HasPrefix(p, "~") || onHub(p) {
		return p
	}
	return filepath.Join(s.dir, p)
}
