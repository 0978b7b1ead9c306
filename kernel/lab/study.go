package lab

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	framework "github.com/tunelab/tunelab/framework/lab"
)

// Plan is a study that can be run: every method on every task with every seed.
type Plan struct {
	study    framework.Study
	dir      string
	unlocked bool
	err      error // of an option
}

// Option sets one thing of a study.
type Option func(*Plan)

// Study plans a comparison. Without options it is the nine methods on the embedded
// model and tasks with seed 42: what `tunelab demo` runs.
func Study(options ...Option) *Plan {
	p := &Plan{dir: cmp.Or(os.Getenv("TUNELAB_DIR"), ".tunelab")}
	p.unlocked, _ = strconv.ParseBool(os.Getenv("TUNELAB_UNLOCKED"))
	for _, o := range options {
		o(p)
	}
	if demo, err := framework.Demo(); err != nil {
		p.err = err
	} else {
		if len(p.study.Tasks) == 0 {
			p.study.Tasks = demo.Tasks
		}
		if len(p.study.Methods) == 0 {
			p.study.Methods = demo.Methods
		}
	}
	p.study.Name = cmp.Or(p.study.Name, "notebook")
	return p
}

// Load plans what a study file says; options change it.
func Load(file string, options ...Option) (*Plan, error) {
	s, err := framework.LoadStudy(file)
	if err != nil {
		return nil, err
	}
	return Study(append([]Option{func(p *Plan) { p.study = *s }}, options...)...), nil
}

// Name is what the study is recorded as; default "notebook". A study of the same name
// takes its place, its runs stay.
func Name(name string) Option { return func(p *Plan) { p.study.Name = name } }

// Model is a Hugging Face folder, or hf:owner/name; default the embedded model.
func Model(model string) Option { return func(p *Plan) { p.study.Model = model } }

// Tasks are task files, or names of embedded tasks; default all of these.
func Tasks(tasks ...string) Option { return func(p *Plan) { p.study.Tasks = tasks } }

// Methods are names, or Methods with parameters; default the nine.
func Methods(methods ...any) Option {
	return func(p *Plan) {
		p.study.Methods = nil
		for _, m := range methods {
			switch m := m.(type) {
			case string:
				p.study.Methods = append(p.study.Methods, framework.MethodEntry{Name: m})
			case *Entry:
				p.study.Methods = append(p.study.Methods, m.entry)
			default:
				p.err = fmt.Errorf("lab.Methods: %v is a %T; give names, or lab.Method(name)", m, m)
			}
		}
	}
}

// Seeds run each method once each; default 42. Claims about methods need six.
func Seeds(seeds ...int64) Option { return func(p *Plan) { p.study.Seeds = seeds } }

// Examples are the labelled training examples that every method gets; 0, the default: all.
func Examples(n int) Option { return func(p *Plan) { p.study.Budget.Examples = n } }

// Test is how many test examples are asked, the same for all; 0, the default: all.
func Test(n int) Option { return func(p *Plan) { p.study.Test = n } }

// Trials are the combinations that a sweep may try; default 1.
func Trials(n int) Option { return func(p *Plan) { p.study.Budget.Trials = n } }

// MaxSeconds bounds a run's wall time. A run that it ends cannot be replayed.
func MaxSeconds(s float64) Option { return func(p *Plan) { p.study.Budget.MaxWallSeconds = s } }

// Threads never changes the numbers; 0, the default: all cores.
func Threads(n int) Option { return func(p *Plan) { p.study.Compute.Threads = n } }

// Baselines says whether the majority class and the base model zero-shot stand in
// the table; default true.
func Baselines(on bool) Option { return func(p *Plan) { p.study.Baselines = &on } }

// State is the state folder; default $TUNELAB_DIR, or .tunelab.
func State(dir string) Option { return func(p *Plan) { p.dir = dir } }

// Unlocked loads plugins that tunelab.lock does not hold, and marks their runs: for
// methods under development.
func Unlocked() Option { return func(p *Plan) { p.unlocked = true } }

// Entry is a method of a study with what differs from its defaults.
type Entry struct{ entry framework.MethodEntry }

// Method is a method by its name; set its parameters with what follows.
func Method(name string) *Entry { return &Entry{framework.MethodEntry{Name: name}} }

// As is what the table calls it; two rows of one method need it.
func (e *Entry) As(label string) *Entry { e.entry.Label = label; return e }

// Set sets a parameter; `tunelab plugins describe NAME` lists them.
func (e *Entry) Set(param string, value any) *Entry {
	if e.entry.Params == nil {
		e.entry.Params = map[string]any{}
	}
	e.entry.Params[param] = plain(value)
	return e
}

// Sweep tries values of a parameter on the validation split; the best is tested. The
// study needs that many Trials.
func (e *Entry) Sweep(param string, values ...any) *Entry {
	if e.entry.Sweep == nil {
		e.entry.Sweep = map[string][]any{}
	}
	e.entry.Sweep[param] = nil
	for _, v := range values {
		e.entry.Sweep[param] = append(e.entry.Sweep[param], plain(v))
	}
	return e
}

// On runs it on these tasks only.
func (e *Entry) On(tasks ...string) *Entry { e.entry.Tasks = tasks; return e }

// Plugin is the path of its binary; default: found by name.
func (e *Entry) Plugin(path string) *Entry { e.entry.Plugin = path; return e }

// plain makes of a list of texts what a study file would hold.
func plain(v any) any {
	if list, ok := v.([]string); ok {
		var out []any
		for _, s := range list {
			out = append(out, s)
		}
		return out
	}
	return v
}

// String says what would run.
func (p *Plan) String() string {
	var methods []string
	for _, m := range p.study.Methods {
		methods = append(methods, cmp.Or(m.Label, m.Name))
	}
	seeds := p.study.Seeds
	if len(seeds) == 0 {
		seeds = []int64{42}
	}
	amount := func(n int) string {
		if n == 0 {
			return "all"
		}
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("study %s: %s on %s; seeds %s; training examples %s, test examples %s; model %s. Run() runs it.",
		p.study.Name, strings.Join(methods, ", "), strings.Join(slices.Clone(p.study.Tasks), ", "), strings.Trim(fmt.Sprint(seeds), "[]"),
		amount(p.study.Budget.Examples), amount(p.study.Test), cmp.Or(p.study.Model, "embedded"))
}
