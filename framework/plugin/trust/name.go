package trust

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/plugin/wire"
)

// Prefix of every plugin binary's file name.
const Prefix = "tunelab-plugin-"

// form of a versioned file name, as errors show it.
const form = Prefix + "NAME_vMAJOR.MINOR.PATCH_pMAJOR.MINOR_OS_ARCH"

// FileName is what the file name of a plugin binary says:
// tunelab-plugin-NAME_vSEMVER_pMAJOR.MINOR_OS_ARCH[.exe], or the unversioned
// tunelab-plugin-NAME[.exe] of development and of this program's own plugins.
type FileName struct {
	Name          string
	Version       Version // zero when unversioned
	Protocol      int     // major; 0 when unversioned
	ProtocolMinor int
	OS, Arch      string // as Go names them; "" when unversioned
}

var (
	bareName  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	versioned = regexp.MustCompile(`^([a-z0-9][a-z0-9-]*)_v([^_]+)_p([1-9]\d{0,3})\.(0|[1-9]\d{0,3})_([a-z0-9]+)_([a-z0-9]+)$`)
)

// IsPlugin tells whether a file's base name claims to be a plugin's.
func IsPlugin(base string) bool { return strings.HasPrefix(base, Prefix) }

// ParseName reads the base name of a plugin binary. On an error Name still
// holds what the file would be searched by.
func ParseName(base string) (FileName, error) {
	rest, ok := strings.CutPrefix(base, Prefix)
	if !ok {
		return FileName{}, fmt.Errorf("the file name %q does not begin with %s", base, Prefix)
	}
	rest = strings.TrimSuffix(rest, ".exe")
	name, _, tagged := strings.Cut(rest, "_")
	f := FileName{Name: name}
	if !tagged {
		if !bareName.MatchString(name) {
			return f, fmt.Errorf("the file name %q has no plugin name of lower-case letters, digits and hyphens: rename it to %sNAME", base, Prefix)
		}
		return f, nil
	}
	m := versioned.FindStringSubmatch(rest)
	if m == nil {
		return f, fmt.Errorf("the file name %q is not of the form %s: rename it", base, form)
	}
	v, err := ParseVersion(m[2])
	if err != nil {
		return f, fmt.Errorf("the file name %q: %w: rename it to the form %s", base, err, form)
	}
	f.Version, f.OS, f.Arch = v, m[5], m[6]
	_, _ = fmt.Sscan(m[3], &f.Protocol) // at most four digits
	_, _ = fmt.Sscan(m[4], &f.ProtocolMinor)
	return f, nil
}

// Versioned tells the long form from the unversioned one.
func (f FileName) Versioned() bool { return f.OS != "" }

// String is the base name that says this.
func (f FileName) String() string {
	s := Prefix + f.Name
	if f.Versioned() {
		s += fmt.Sprintf("_v%s_p%d.%d_%s_%s", f.Version, f.Protocol, f.ProtocolMinor, f.OS, f.Arch)
	}
	if f.OS == "windows" {
		s += ".exe"
	}
	return s
}

// Platform is this machine's, as lock files and file names write it:
// linux_amd64.
func Platform() string { return runtime.GOOS + "_" + runtime.GOARCH }

// Runs says why a binary of this name cannot run here; nil when it can, as far
// as its name tells.
func (f FileName) Runs() error {
	switch {
	case !f.Versioned():
		return nil
	case f.OS+"_"+f.Arch != Platform():
		return fmt.Errorf("it is built for %s_%s and this machine is %s: get its build for %s", f.OS, f.Arch, Platform(), Platform())
	case f.Protocol != wire.Protocol:
		return fmt.Errorf("it speaks plugin protocol %d.%d and this tunelab speaks %d: get a build for protocol %d, or the tunelab that speaks %d", f.Protocol, f.ProtocolMinor, wire.Protocol, wire.Protocol, f.Protocol)
	case f.ProtocolMinor > wire.Minor:
		return fmt.Errorf("it needs plugin protocol %d.%d and this tunelab speaks %d.%d: update tunelab", f.Protocol, f.ProtocolMinor, wire.Protocol, wire.Minor)
	}
	return nil
}

// Agrees says in what a plugin's description (name, version, protocol majors and
// the minor that it needs) differs from its file name; nil when in nothing.
func (f FileName) Agrees(name, version string, protocols []int, minor int) error {
	if name != f.Name {
		return fmt.Errorf("its file name says it is %q, but it describes itself as %q: rename it, or get the right file", f.Name, name)
	}
	if !f.Versioned() {
		return nil
	}
	if version != f.Version.String() {
		return fmt.Errorf("its file name says version %s, but it describes itself as version %s: rename it, or get the right file", f.Version, version)
	}
	if !slices.Contains(protocols, f.Protocol) {
		return fmt.Errorf("its file name says protocol %d, but it describes itself as speaking %v: rename it, or get the right file", f.Protocol, protocols)
	}
	if minor != f.ProtocolMinor {
		return fmt.Errorf("its file name says that it needs protocol %d.%d, but it describes itself as needing %d.%d (protocol_minor): rename it, or get the right file", f.Protocol, f.ProtocolMinor, f.Protocol, minor)
	}
	return nil
}
