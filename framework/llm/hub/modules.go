package hub

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// part is a folder with files of its own in a repository: the repository itself,
// or one that modules.json of sentence-transformers names.
type part struct {
	path string // "", or with a slash at the end
	kind string // last name of the module's class
}

// transformer is the kind of a part that is a model folder.
const transformer = "Transformer"

// parts are those that hold weights or settings: of modules.json, each once;
// without that file (nil) the repository alone.
func parts(modules []byte) ([]part, error) {
	if modules == nil {
		return []part{{"", transformer}}, nil
	}
	var list []struct{ Path, Type string }
	if err := json.Unmarshal(modules, &list); err != nil {
		return nil, fmt.Errorf("%s: not valid JSON: %w", modulesFile, err)
	}
	var out []part
	for i, m := range list {
		p := part{kind: transformer} // the repository itself, of whatever class
		if m.Path != "" {
			p.kind = m.Type[strings.LastIndexByte(m.Type, '.')+1:]
			if p.path = strings.TrimSuffix(m.Path, "/"); !safePath(p.path) {
				return nil, fmt.Errorf("%s: module %d: %q is not a path in the repository", modulesFile, i, m.Path)
			}
			p.path += "/"
		}
		if !slices.ContainsFunc(out, func(q part) bool { return q.path == p.path }) {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s names no module", modulesFile)
	}
	return out, nil
}

// inside gives the names below the part, without its path.
func (p part) inside(names []string) []string {
	var out []string
	for _, n := range names {
		if rest, ok := strings.CutPrefix(n, p.path); ok {
			out = append(out, rest)
		}
	}
	return out
}

// weights chooses the part's weights. A module other than a transformer may have
// none, or none that are loaded: who only trains the transformer needs no Dense.
func (p part) weights(names []string, index []byte) ([]string, error) {
	names = p.inside(names)
	if p.kind != transformer && !slices.Contains(names, modelFile) {
		return nil, nil
	}
	out, err := weights(names, index)
	if err != nil {
		if p.path != "" {
			err = fmt.Errorf("%s: %w", strings.TrimSuffix(p.path, "/"), err)
		}
		return nil, err
	}
	for i := range out {
		out[i] = p.path + out[i]
	}
	return out, nil
}

// known are the names, without the part's path, of what it has or is noted to
// lack once it is fetched.
func (p part) known() []string {
	if p.kind == transformer {
		return append([]string{indexFile}, optional...)
	}
	return []string{"config.json", modelFile}
}
