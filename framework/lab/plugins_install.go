package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/plugin/trust"
	"github.com/tunelab/tunelab/framework/plugin/wire"
)

// Install is a plugin to install.
type Install struct {
	Source           string // file, or https URL
	SHA256           string // that its author publishes, in hexadecimal
	NameFromDescribe bool   // name the installed file by what the plugin says of itself, not by the source's name
	User             bool   // into ~/.tunelab/plugins; default ./.tunelab/plugins
	Force            bool   // put it in the place of another digest, or outside the constraint
	Constraint       string // versions that later installs may move to; "" keeps what the lock has
	Lock             string // lock file; default $TUNELAB_LOCK, or tunelab.lock in the working folder
}

// Installed says what an install did.
type Installed struct {
	Path     string      `json:"path"`
	Lock     string      `json:"lock"`
	Entry    trust.Entry `json:"entry"`
	Shadowed bool        `json:"shadowed,omitempty"` // tunelab's own plugin of that name is used, unless this one's path is named
}

// InstallPlugin checks a plugin's digest before anything of it runs, asks it
// what it is, puts it into a folder that is searched, and pins it in the lock
// file. Whatever fails, the folder and the lock file stay as they were.
func InstallPlugin(ctx context.Context, in Install) (Installed, error) {
	in.SHA256 = strings.ToLower(in.SHA256)
	if !trust.IsDigest(in.SHA256) {
		return Installed{}, fmt.Errorf("--sha256 %q is no SHA-256 (64 hexadecimal digits): take it from the plugin's author, not from the file", in.SHA256)
	}
	if _, err := trust.ReadLock(trust.LockPath(in.Lock)); err != nil { // before anything is fetched
		return Installed{}, err
	}
	dir, err := installDir(in.User)
	if err != nil {
		return Installed{}, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Installed{}, fmt.Errorf("make the plugin folder: %w", err)
	}
	temp, err := os.MkdirTemp(dir, installTemp) // beside its place, for the rename; the binary keeps its own name in it
	if err != nil {
		return Installed{}, fmt.Errorf("install: %w", err)
	}
	defer os.RemoveAll(temp)
	sweepInstalls(dir)
	file, err := fetch(ctx, in.Source, temp, in.SHA256)
	if err != nil {
		return Installed{}, err
	}
	name, err := describedName(ctx, file, in)
	if err != nil {
		return Installed{}, err
	}
	return in.place(file, filepath.Join(dir, name.String()), name)
}

// place puts the binary that was checked into its place and pins it. It reads
// the lock again, which another install may have written meanwhile.
func (in Install) place(file, path string, name trust.FileName) (done Installed, err error) {
	lock, err := trust.TakeLock(trust.LockPath(in.Lock))
	if err != nil {
		return done, err
	}
	defer lock.Release()
	entry, err := entryFor(lock, name, in)
	if err != nil {
		return done, err
	}
	have, err := host.FileSum(path)
	if err == nil && have != in.SHA256 && !in.Force {
		return done, fmt.Errorf("%s is there with another sha256 (%s): --force replaces it", path, have)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return done, fmt.Errorf("install: %w", err)
	}
	putBack := func() error { return os.Remove(path) }
	if have != "" {
		kept := file + ".before"        // in the folder that goes with the end of the install
		if os.Link(path, kept) != nil { // a file system without hard links
			if err := os.Rename(path, kept); err != nil {
				return done, fmt.Errorf("install: keep the binary that is there: %w", err)
			}
		}
		putBack = func() error { return os.Rename(kept, path) }
	}
	lock.Put(entry)
	if err = os.Rename(file, path); err == nil {
		err = lock.Write()
	}
	if err != nil {
		if back := putBack(); back != nil && !errors.Is(back, fs.ErrNotExist) { // what is there then is refused, not trusted: the lock does not hold it
			err = fmt.Errorf("%w; and %s could not be left as it was: %w", err, path, back)
		}
		return done, fmt.Errorf("install: %w", err)
	}
	f, err := host.Find(name.Name, host.FindOptions{Lock: in.Lock})
	return Installed{Path: path, Lock: lock.Path(), Entry: entry, Shadowed: err == nil && f.State == host.FirstParty}, nil
}

// installTemp begins the folders that an install works in.
const installTemp = ".install-"

// sweepInstalls removes what installs that were killed left.
func sweepInstalls(dir string) {
	old, _ := filepath.Glob(filepath.Join(dir, installTemp+"*"))
	for _, d := range old {
		if info, err := os.Stat(d); err == nil && time.Since(info.ModTime()) > fetchIn+time.Hour {
			_ = os.RemoveAll(d)
		}
	}
}

func installDir(user bool) (string, error) {
	if !user {
		return filepath.Join(".tunelab", "plugins"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the home folder for --user: %w", err)
	}
	return filepath.Join(home, ".tunelab", "plugins"), nil
}

// describedName starts the plugin, whose digest is checked, and gives the name
// to install it under: the source's, which must agree with what the plugin says
// of itself, or the one that the plugin says.
func describedName(ctx context.Context, file string, in Install) (trust.FileName, error) {
	base := filepath.Base(file)
	name, err := trust.ParseName(base)
	if !in.NameFromDescribe {
		if err == nil && !name.Versioned() {
			err = fmt.Errorf("the file name %q has no version", base)
		}
		if err != nil {
			return name, fmt.Errorf("install %s: %w; --name-from-describe names it by what it says of itself", publicSource(in.Source), err)
		}
		if err := name.Runs(); err != nil {
			return name, fmt.Errorf("install %s: %w", publicSource(in.Source), err)
		}
	}
	c, err := host.Launch(ctx, file, host.LaunchOptions{SHA256: in.SHA256})
	if err != nil {
		return name, fmt.Errorf("install %s: %w", publicSource(in.Source), err)
	}
	defer c.Close()
	if !in.NameFromDescribe {
		return name, nil // the launch compared it
	}
	osName, arch, _ := strings.Cut(trust.Platform(), "_")
	v, err := trust.ParseVersion(c.Method.Version)
	if err != nil {
		return name, fmt.Errorf("install %s: the version that it says: %w", publicSource(in.Source), err)
	}
	name = trust.FileName{Name: c.Method.Name, Version: v, Protocol: wire.Protocol, ProtocolMinor: c.Method.ProtocolMinor, OS: osName, Arch: arch}
	if back, err := trust.ParseName(name.String()); err != nil || back != name {
		return name, fmt.Errorf("install %s: it describes itself as %q, which is no plugin name of lower-case letters, digits and hyphens", publicSource(in.Source), c.Method.Name)
	}
	return name, nil
}

// entryFor is the lock entry after the install. Digests for other platforms
// stay while the version does.
func entryFor(lock *trust.Lock, name trust.FileName, in Install) (trust.Entry, error) {
	e := trust.Entry{Name: name.Name, Source: lockSource(in.Source), Version: name.Version.String(), Constraint: in.Constraint,
		Protocol: fmt.Sprintf("%d.%d", name.Protocol, name.ProtocolMinor), SHA256: map[string]string{}}
	have, ok := lock.Entry(name.Name)
	if ok && e.Constraint == "" {
		e.Constraint = have.Constraint
	}
	c, err := trust.ParseConstraint(e.Constraint)
	if err != nil {
		return e, err
	}
	if !c.Allows(name.Version) && !in.Force {
		return e, fmt.Errorf("version %s of plugin %s is outside the constraint %q of %s: --constraint sets another, --force ignores it", name.Version, name.Name, c, lock.Path())
	}
	if ok && have.Version == e.Version {
		if d := have.SHA256[trust.Platform()]; d != "" && d != in.SHA256 && !in.Force {
			return e, fmt.Errorf("%s pins version %s of plugin %s for %s to another sha256 (%s): a released version does not change, so ask its author; --force replaces it", lock.Path(), have.Version, have.Name, trust.Platform(), d)
		}
		for p, d := range have.SHA256 {
			e.SHA256[p] = d
		}
	}
	e.SHA256[trust.Platform()] = in.SHA256
	return e, nil
}

// RemovePlugin deletes the installed binaries of a plugin and its lock entry,
// and gives the paths of the files that it removed.
func RemovePlugin(name string, user bool, lockFile string) ([]string, error) {
	lock, err := trust.TakeLock(trust.LockPath(lockFile))
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	dir, err := installDir(user)
	if err != nil {
		return nil, err
	}
	held := lock.Remove(name)
	if held { // before the files: what is left without an entry is refused
		if err := lock.Write(); err != nil {
			return nil, err
		}
	}
	var removed []string
	files, err := filepath.Glob(filepath.Join(dir, trust.Prefix+"*"))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if n, _ := trust.ParseName(filepath.Base(f)); n.Name != name {
			continue
		}
		if err := os.Remove(f); err != nil {
			return removed, fmt.Errorf("remove plugin %s: %w", name, err)
		}
		removed = append(removed, f)
	}
	if !held && len(removed) == 0 {
		return nil, fmt.Errorf("no plugin %q in %s or %s; tunelab plugins list shows what there is", name, dir, lock.Path())
	}
	return removed, nil
}
