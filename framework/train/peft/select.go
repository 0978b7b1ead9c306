package peft

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/model"
)

// linears are the layers that the adapter goes on, in the model's order: what
// Targets names, less what Layers, Exclude and ModulesToSave take away, the last
// by whole parts of a name (peft/tuners/tuners_utils.py,
// check_target_module_exists).
func (c Config) linears(m Base) ([]*model.Linear, error) {
	named, err := Match(m, c.Targets)
	if err != nil {
		return nil, err
	}
	inLayer, err := c.layerFilter()
	if err != nil {
		return nil, err
	}
	exclude, err := parsePatterns("exclude_modules", c.Exclude)
	if err != nil {
		return nil, err
	}
	var out []*model.Linear
	for _, l := range named {
		matches := func(t target) bool { return t.matches(l) }
		saved := func(name string) bool { return strings.Contains("."+l.Name+".", "."+name+".") }
		if inLayer(l.Name) && !slices.ContainsFunc(exclude, matches) && !slices.ContainsFunc(c.ModulesToSave, saved) {
			out = append(out, l)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("target_modules: exclude_modules, layers_to_transform and modules_to_save leave none of the %d modules that it names", len(named))
	}
	return out, nil
}

// layerFilter decides by the number in a module's name: the first one that
// follows a name of LayersPattern, or any name.
func (c Config) layerFilter() (func(name string) bool, error) {
	if len(c.Layers) == 0 {
		return func(string) bool { return true }, nil
	}
	for _, p := range c.Targets {
		if p == AllLinear || !plainName(p) {
			return nil, fmt.Errorf("layers_to_transform: does not go with the target %q; list names such as \"q_proj\"", p)
		}
	}
	var number []*regexp.Regexp
	for _, p := range c.LayersPattern {
		re, err := regexp.Compile(`^(?:|.*?\.)(?:` + p + `)\.(\d+)\.`)
		if err != nil {
			return nil, fmt.Errorf("layers_pattern: %q is not a regular expression in RE2 syntax: %w", p, err)
		}
		number = append(number, re)
	}
	if len(number) == 0 {
		number = []*regexp.Regexp{regexp.MustCompile(`^.*?\.[^.]*\.(\d+)\.`)}
	}
	return func(name string) bool {
		if slices.Contains(c.Targets, name) {
			return true
		}
		for _, re := range number {
			if at := re.FindStringSubmatch(name); at != nil {
				n, err := strconv.Atoi(at[1])
				return err == nil && slices.Contains(c.Layers, n)
			}
		}
		return false
	}, nil
}

// savedModules are the modules of m that names of modules_to_save mean: each
// whose path ends so, not only on a dot (peft/utils/other.py, _set_trainable).
func savedModules(m Base, names []string) ([]string, error) {
	var all []string
	for _, p := range m.Params() {
		for path := p.Name; ; {
			at := strings.LastIndexByte(path, '.')
			if at < 0 {
				break
			}
			path = path[:at]
			if !slices.Contains(all, path) {
				all = append(all, path)
			}
		}
	}
	if h := m.Head(); h != nil && !slices.Contains(all, h.Name) { // tied
		all = append(all, h.Name)
	}
	var out []string
	for i, name := range names {
		found := false
		for _, module := range all {
			if name == "" || !strings.HasSuffix(module, name) {
				continue
			}
			found = true
			if !slices.Contains(out, module) {
				out = append(out, module)
			}
		}
		if !found {
			return nil, fmt.Errorf("modules_to_save[%d]: %q names no module of this %s model; it has %s, %s, ...", i, name, m.Family(), all[0], all[len(all)-1])
		}
	}
	for _, a := range out {
		for _, b := range out {
			if a != b && inside(a, b) {
				return nil, fmt.Errorf("modules_to_save: names %s and also %s, of which it is a part; name one of them", b, a)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// inside says that a name is module's or lies within it.
func inside(name, module string) bool {
	return name == module || strings.HasPrefix(name, module+".")
}
