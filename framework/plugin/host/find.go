package host

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/plugin/trust"
	"github.com/tunelab/tunelab/framework/spec"
)

// FindOptions of Find; the zero value searches the usual places.
type FindOptions struct {
	Path     string   // explicit path of the binary; nothing else is searched
	Dirs     []string // searched before the usual places
	Lock     string   // lock file; default $TUNELAB_LOCK, or tunelab.lock in the working folder
	Unlocked bool     // the development override: load what the lock file does not hold
}

// Places where plugins are found, in the order of the search.
const (
	PlaceExplicit   = "explicit path"
	PlaceGiven      = "given folder"
	PlaceEnv        = "$TUNELAB_PLUGIN_DIR"
	PlaceProject    = "./.tunelab/plugins"
	PlaceUser       = "~/.tunelab/plugins"
	PlaceFirstParty = "beside the program" // built from the same tree
)

// States of trust in a plugin that was found.
const (
	FirstParty = "first-party" // needs no lock entry
	Locked     = "locked"      // the lock file holds its digest
	Unlocked   = "unlocked"    // not in the lock file: loaded by the development override only
	Shadowed   = "shadowed"    // a first-party plugin of its name is taken in its place
)

// Found is a plugin binary that a search came to.
type Found struct {
	Name    string `json:"name"`
	Path    string `json:"path"`
	Place   string `json:"place"`
	Version string `json:"version,omitempty"` // of its file name; "": unversioned
	State   string `json:"state"`             // FirstParty, Locked, Unlocked or Shadowed; "" with an error
	SHA256  string `json:"sha256,omitempty"`  // of the binary; "" of a first-party plugin

	// Shadows are the paths of plugins of the same name that were searched first
	// and yet not taken.
	Shadows []string `json:"shadows,omitempty"`
}

// Pinned is the digest that a launch must insist on; "" for any.
func (f Found) Pinned() string {
	if f.State == Locked {
		return f.SHA256
	}
	return ""
}

type place struct{ name, dir string }

// yields tells the folders whose plugins never stand in for a first-party one of
// the same name. What lies in a working folder came with it, perhaps from a
// stranger, and its lock file with it; $TUNELAB_PLUGIN_DIR is set, and a path
// named, on purpose.
func (p place) yields() bool { return p.name == PlaceProject || p.name == PlaceUser }

// places lists where plugins are searched; the first that has one of the name
// counts, but for those that yield.
func places(o FindOptions) []place {
	var out []place
	for _, d := range o.Dirs {
		out = append(out, place{PlaceGiven, d})
	}
	for _, d := range filepath.SplitList(os.Getenv("TUNELAB_PLUGIN_DIR")) {
		out = append(out, place{PlaceEnv, d})
	}
	out = append(out, place{PlaceProject, filepath.Join(".tunelab", "plugins")})
	if home, err := os.UserHomeDir(); err == nil {
		out = append(out, place{PlaceUser, filepath.Join(home, ".tunelab", "plugins")})
	}
	if d := firstPartyDir(); d != "" {
		out = append(out, place{PlaceFirstParty, d})
	}
	return out
}

// firstPartyDir is the folder plugins/ beside this program.
func firstPartyDir() string {
	exe, err := os.Executable()
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(exe); err == nil {
		exe = real
	}
	return filepath.Join(filepath.Dir(exe), "plugins")
}

// Find gives the plugin binary of a method, if it may be loaded. The error of
// one that may not is a RefusedError.
func Find(name string, o FindOptions) (Found, error) {
	lock, err := trust.ReadLock(trust.LockPath(o.Lock))
	if err != nil {
		return Found{}, err
	}
	if o.Path != "" {
		f, err := explicit(name, o.Path)
		if err != nil {
			return f, err
		}
		return f, f.judge(lock, o)
	}
	var searched, others, shadowed []string
	ours := scan(firstPartyDir())[name]
	for _, p := range places(o) {
		searched = append(searched, p.dir)
		there := scan(p.dir)
		others = slices.AppendSeq(others, maps.Keys(there))
		if files := there[name]; len(files) > 0 {
			f, err := choose(p, files, lock)
			if p.yields() && len(ours) > 0 {
				shadowed = append(shadowed, f.Path)
				continue
			}
			f.Shadows = shadowed
			if err != nil {
				return f, err
			}
			return f, f.judge(lock, o)
		}
	}
	slices.Sort(others)
	hint := ""
	if near := spec.Nearest(name, others); near != "" {
		hint = fmt.Sprintf("did you mean %s? ", near)
	}
	return Found{}, fmt.Errorf("no plugin for method %q in %s; %sbuild it (make build), install it (tunelab plugins install), or name its path", name, strings.Join(searched, ", "), hint)
}

// Listed is a plugin that a search came to, and why it may not be loaded.
type Listed struct {
	Found
	Err error
}

// List gives every method that can be found, by name; those that a first-party
// one shadows follow it.
func List(o FindOptions) ([]Listed, error) {
	lock, err := trust.ReadLock(trust.LockPath(o.Lock))
	if err != nil {
		return nil, err
	}
	var out []Listed
	ours := scan(firstPartyDir())
	for _, p := range places(o) {
		for name, files := range scan(p.dir) {
			if slices.ContainsFunc(out, func(l Listed) bool { return l.Name == name && l.State != Shadowed }) {
				continue
			}
			f, err := choose(p, files, lock)
			if p.yields() && len(ours[name]) > 0 {
				f.State, err = Shadowed, nil
			} else if err == nil {
				err = f.judge(lock, o)
			}
			out = append(out, Listed{f, err})
		}
	}
	slices.SortStableFunc(out, func(a, b Listed) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), behind(a)-behind(b)) // places stay in order
	})
	return out, nil
}

func behind(l Listed) int {
	if l.State == Shadowed {
		return 1
	}
	return 0
}

// explicit is the binary at a path that the user gave. One in the folder of
// first-party plugins is one of these.
func explicit(name, path string) (Found, error) {
	f := Found{Name: name, Place: PlaceExplicit}
	if _, err := os.Stat(path); err != nil {
		return f, fmt.Errorf("plugin %s: %w", name, err)
	}
	var err error
	if f.Path, err = filepath.Abs(path); err != nil {
		return f, fmt.Errorf("plugin %s: %w", name, err)
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(f.Path)); err == nil && dir == firstPartyDir() {
		f.Place = PlaceFirstParty
	}
	if base := filepath.Base(path); trust.IsPlugin(base) {
		n, err := trust.ParseName(base)
		if err == nil {
			err = n.Runs()
		}
		if err != nil {
			return f, &RefusedError{name, f.Path, err}
		}
		f.Version = n.Version.String()
	}
	return f, nil
}

// judge says whether a binary may be loaded, and sets its state.
func (f *Found) judge(lock *trust.Lock, o FindOptions) error {
	if f.Place == PlaceFirstParty {
		f.State = FirstParty
		return nil
	}
	var err error
	if f.SHA256, err = FileSum(f.Path); err != nil {
		return fmt.Errorf("plugin %s: %w", f.Name, err)
	}
	why := lock.Admit(f.Name, f.Version, f.SHA256)
	switch {
	case why == nil:
		f.State = Locked
	case o.Unlocked:
		f.State = Unlocked
	default:
		return &RefusedError{f.Name, f.Path, fmt.Errorf("%w; install it (tunelab plugins install FILE --sha256 HEX, with the digest that its author publishes), or, while you develop it, use --unlocked or TUNELAB_UNLOCKED=1", why)}
	}
	return nil
}

// choose takes one of the files of a name in one folder: the version that the
// lock holds, else the highest that can run here, an unversioned one last.
func choose(p place, files []string, lock *trust.Lock) (Found, error) {
	type candidate struct {
		trust.FileName
		path string
	}
	var usable []candidate
	var wrong error
	name := ""
	for _, file := range files {
		path, err := filepath.Abs(filepath.Join(p.dir, file))
		if err != nil {
			return Found{}, err
		}
		n, err := trust.ParseName(file)
		name = n.Name
		if err == nil {
			err = n.Runs()
		}
		if err == nil {
			usable = append(usable, candidate{n, path})
		} else if wrong == nil {
			wrong = &RefusedError{n.Name, path, err}
		}
	}
	f := Found{Name: name, Place: p.name}
	if len(usable) == 0 {
		var r *RefusedError
		if errors.As(wrong, &r) {
			f.Path = r.Path
		}
		return f, wrong
	}
	slices.SortStableFunc(usable, func(a, b candidate) int { return b.Version.Compare(a.Version) })
	best := usable[0]
	if e, ok := lock.Entry(name); ok {
		if i := slices.IndexFunc(usable, func(c candidate) bool { return c.Version.String() == e.Version }); i >= 0 {
			best = usable[i]
		}
	}
	f.Path, f.Version = best.path, best.Version.String()
	return f, nil
}

// scan lists the plugin files of one folder, in order, by the name that each
// is searched by.
func scan(dir string) map[string][]string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	out := map[string][]string{}
	for _, e := range entries {
		if e.IsDir() || !trust.IsPlugin(e.Name()) {
			continue
		}
		n, _ := trust.ParseName(e.Name()) // a wrong name is told when it is chosen
		if n.Name != "" {
			out[n.Name] = append(out[n.Name], e.Name())
		}
	}
	return out
}
