package hub

import (
	"fmt"
	"regexp"
	"strings"
)

// Scheme begins a reference to a model on the Hub.
const Scheme = "hf:"

// Ref names a model on the Hub.
type Ref struct {
	Repo     string // owner/name, or name alone
	Revision string // a branch, a tag or a commit; "main" where none is given
}

var (
	repoPart   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)
	commitHash = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// ParseRef reads hf:owner/name or hf:owner/name@revision.
func ParseRef(s string) (Ref, error) {
	rest, ok := strings.CutPrefix(s, Scheme)
	if !ok {
		return Ref{}, fmt.Errorf("%q does not begin with %s", s, Scheme)
	}
	repo, revision, given := strings.Cut(rest, "@")
	if !given {
		revision = "main"
	}
	parts := strings.Split(repo, "/")
	good := len(parts) <= 2 && len(repo) <= 96
	for _, p := range parts {
		good = good && repoPart.MatchString(p) && !strings.Contains(p, "--") && !strings.Contains(p, "..") && !strings.HasSuffix(p, ".git")
	}
	if !good {
		return Ref{}, fmt.Errorf("%q: %q is not the name of a model on the Hub: write %sowner/name or %sowner/name@revision", s, repo, Scheme, Scheme)
	}
	if !safePath(revision) {
		return Ref{}, fmt.Errorf("%q: %q is not a branch, tag or commit", s, revision)
	}
	return Ref{repo, revision}, nil
}

func (r Ref) String() string { return Scheme + r.Repo + "@" + r.Revision }

// folder is the repository's folder in the cache.
func (r Ref) folder() string { return "models--" + strings.ReplaceAll(r.Repo, "/", "--") }

// safePath says whether a relative path with slashes stays inside its folder
// on every system.
func safePath(p string) bool {
	if p == "" || strings.ContainsAny(p, "\\:*?\"<>|") {
		return false
	}
	for _, r := range p {
		if r < 0x20 || r == 0x7f {
			return false
		}
	}
	for _, part := range strings.Split(p, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}
