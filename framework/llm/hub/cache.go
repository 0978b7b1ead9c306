package hub

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// repoCache is a repository's part of the cache.
type repoCache struct {
	root string // the hub's cache folder
	ref  Ref
}

func (c repoCache) path(parts ...string) string {
	return filepath.Join(append([]string{c.root, c.ref.folder()}, parts...)...)
}

// refFile holds the commit that the revision meant last.
func (c repoCache) refFile() string {
	return c.path("refs", filepath.FromSlash(c.ref.Revision))
}

func (c repoCache) snapshot(hash string) string { return c.path("snapshots", hash) }

func (c repoCache) file(hash, name string) string {
	return filepath.Join(c.snapshot(hash), filepath.FromSlash(name))
}

func (c repoCache) blob(etag string) string { return c.path("blobs", etag) }

func (c repoCache) lockFile(etag string) string {
	return filepath.Join(c.root, ".locks", c.ref.folder(), etag+".lock")
}

// commit gives the commit that the cache knows for the revision, "" for none.
func (c repoCache) commit() (string, error) {
	if commitHash.MatchString(c.ref.Revision) {
		return c.ref.Revision, nil
	}
	path := c.refFile()
	raw, err := readIfThere(path)
	if raw == nil {
		return "", err
	}
	hash := strings.TrimSpace(string(raw))
	if !commitHash.MatchString(hash) {
		return "", fmt.Errorf("%s: %q is not a commit: remove the file", path, hash)
	}
	return hash, nil
}

// setCommit writes what the revision means now.
func (c repoCache) setCommit(hash string) error {
	if c.ref.Revision == hash {
		return nil
	}
	path := c.refFile()
	if raw, err := os.ReadFile(path); err == nil && string(raw) == hash {
		return nil // the cache may be read-only
	}
	return writeFile(path, hash)
}

// writeFile puts a whole file in place at once.
func writeFile(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return checkpoint.WriteAtomic(path, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// link makes a snapshot's file: a relative link to the blob, or a copy where
// the file system has no links.
func (c repoCache) link(hash, name, etag string) error {
	path := c.file(hash, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	target, err := filepath.Rel(filepath.Dir(path), c.blob(etag))
	if err != nil {
		return err
	}
	tmp := path + ".tmp-link"
	os.Remove(tmp) //nolint:errcheck // left by a process that was killed; we hold the blob's lock
	if err := os.Symlink(target, tmp); err != nil {
		if err := copyFile(c.blob(etag), tmp); err != nil {
			return err
		}
	}
	return os.Rename(tmp, path)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// parts are the parts of a snapshot, as far as its modules.json is there.
func (c repoCache) parts(hash string) ([]part, error) {
	raw, err := readIfThere(c.file(hash, modulesFile))
	if err != nil {
		return nil, err
	}
	list, err := parts(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.snapshot(hash), err)
	}
	return list, nil
}

// readIfThere gives nil for a file that is not there.
func readIfThere(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return raw, err
}

// markAbsent records which optional files a commit lacks, as huggingface_hub
// does for a file that it asked for in vain.
func (c repoCache) markAbsent(hash string, there map[string]announced, parts []part) error {
	for _, name := range knownNames(parts) {
		if _, ok := there[name]; ok {
			continue
		}
		mark := c.mark(hash, name)
		if exists(mark) {
			continue
		}
		if err := writeFile(mark, ""); err != nil {
			return err
		}
	}
	return nil
}

func (c repoCache) mark(hash, name string) string {
	return c.path(".no_exist", hash, filepath.FromSlash(name))
}

func knownNames(parts []part) []string {
	out := slices.Concat(part{"", transformer}.known(), ofSentences)
	for _, p := range parts {
		if p.path == "" {
			continue
		}
		for _, n := range p.known() {
			out = append(out, p.path+n)
		}
	}
	return out
}

// settled says whether the cache knows of every optional file whether the
// commit has it.
func (c repoCache) settled(hash string) bool {
	parts, err := c.parts(hash)
	if err != nil {
		return false
	}
	for _, name := range knownNames(parts) {
		if !exists(c.file(hash, name)) && !exists(c.mark(hash, name)) {
			return false
		}
	}
	return true
}

var shardName = regexp.MustCompile(`-\d{5}-of-\d{5}\.safetensors$`)

// missing names what a model folder needs and a cached snapshot lacks.
func (c repoCache) missing(hash string) ([]string, error) {
	parts, err := c.parts(hash)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range parts {
		lacks, err := c.missingIn(hash, p)
		if err != nil {
			return nil, err
		}
		for _, name := range lacks {
			out = append(out, p.path+name)
		}
	}
	return out, nil
}

func (c repoCache) missingIn(hash string, p part) ([]string, error) {
	has := func(name string) bool { return exists(c.file(hash, p.path+name)) }
	if p.kind != transformer {
		need := map[string][]string{"Pooling": {"config.json"}, "Dense": {"config.json", modelFile}}
		return slices.DeleteFunc(need[p.kind], func(name string) bool { return has(name) || exists(c.mark(hash, p.path+name)) }), nil
	}
	var names []string
	entries, err := os.ReadDir(c.file(hash, p.path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if has(e.Name()) {
			names = append(names, e.Name())
		}
	}
	var out []string
	if !has("config.json") && !has("adapter_config.json") {
		out = append(out, "config.json")
	}
	index, err := readIfThere(c.file(hash, p.path+indexFile))
	if err != nil {
		return nil, err
	}
	if index != nil {
		shards, err := indexed(index)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.file(hash, p.path+indexFile), err)
		}
		return append(out, slices.DeleteFunc(shards, has)...), nil
	}
	found, err := weights(names, nil)
	if err != nil {
		return append(out, modelFile), nil
	}
	if slices.ContainsFunc(found, shardName.MatchString) {
		out = append(out, indexFile)
	}
	return out, nil
}
