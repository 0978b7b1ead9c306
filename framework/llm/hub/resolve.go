package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"
)

// Options of Resolve. The zero value is right for a command.
type Options struct {
	// Env gives environment variables; nil is os.Getenv.
	Env func(name string) string
	// Progress is called as a file's bytes arrive, from the goroutine of
	// Resolve: done bytes of total, which is -1 if the server doesn't say.
	Progress func(file string, done, total int64)

	wait func(ctx context.Context, d time.Duration) error // between attempts; nil sleeps
	idle time.Duration                                    // 0: a minute
}

// Resolve gives the folder of a model named hf:owner/name[@revision], and its
// commit. What the cache lacks is fetched first. A commit whose snapshot is
// complete needs no network; a branch or tag is looked up each time, unless
// HF_HUB_OFFLINE is set, when it means what it meant last.
func Resolve(ctx context.Context, s string, o Options) (dir, commit string, err error) {
	ref, err := ParseRef(s)
	if err != nil {
		return "", "", err
	}
	set, err := o.settings()
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", ref, err)
	}
	cache := repoCache{set.cache, ref}
	if set.offline != "" {
		return cached(cache, set.offline)
	}
	if commitHash.MatchString(ref.Revision) && cache.settled(ref.Revision) {
		lacks, err := cache.missing(ref.Revision)
		if err == nil && len(lacks) == 0 {
			return cache.snapshot(ref.Revision), ref.Revision, nil
		}
	}
	c := newClient(set)
	if o.wait != nil {
		c.wait = o.wait
	}
	if o.idle > 0 {
		c.idle = o.idle
	}
	d := &download{client: c, cache: cache, progress: o.Progress}
	at, err := c.lookUp(ctx, ref)
	if err != nil {
		return "", "", hintCache(cache, err)
	}
	if err := d.all(ctx, at); err != nil {
		return "", "", err
	}
	return cache.snapshot(at.hash), at.hash, nil
}

// hintCache says what the cache could give where the Hub can't be reached.
func hintCache(c repoCache, err error) error {
	var op interface{ Timeout() bool } // errors of the network have it
	hash, cacheErr := c.commit()
	if !errors.As(err, &op) || cacheErr != nil || hash == "" {
		return err
	}
	if lacks, missErr := c.missing(hash); missErr != nil || len(lacks) > 0 {
		return err
	}
	return fmt.Errorf("%w (the cache has commit %s: set HF_HUB_OFFLINE=1 to use it)", err, hash)
}

// cached resolves without network, which the named variable forbids.
func cached(c repoCache, variable string) (dir, commit string, err error) {
	hash, err := c.commit()
	if err != nil {
		return "", "", err
	}
	fetch := fmt.Sprintf("run once with network and without %s, or copy %s from the cache of a machine that has it", variable, c.ref.folder())
	switch {
	case hash == "":
		return "", "", fmt.Errorf("%s: %w (%s), and the cache %s has no commit for it (%s): %s", c.ref, ErrOffline, variable, c.root, c.refFile(), fetch)
	case !exists(c.snapshot(hash)):
		return "", "", fmt.Errorf("%s: %w (%s), and the commit is not in the cache (%s): %s", c.ref, ErrOffline, variable, c.snapshot(hash), fetch)
	}
	lacks, err := c.missing(hash)
	if err != nil {
		return "", "", err
	}
	if len(lacks) > 0 {
		return "", "", fmt.Errorf("%s: %w (%s), and %s lacks %s: %s", c.ref, ErrOffline, variable, c.snapshot(hash), strings.Join(lacks, ", "), fetch)
	}
	return c.snapshot(hash), hash, nil
}

// download fills the cache for one repository.
type download struct {
	client   *client
	cache    repoCache
	progress func(file string, done, total int64)
}

// all fetches a commit's files, the weights last, and then lets the revision
// mean that commit.
func (d *download) all(ctx context.Context, at commit) error {
	parts, err := d.parts(ctx, at)
	if err != nil {
		return err
	}
	for _, p := range parts { // don't begin what can't be of use
		if _, sharded := at.files[p.path+indexFile]; sharded {
			continue
		}
		if _, err := p.weights(at.names, nil); err != nil {
			return fmt.Errorf("%s: %w", d.cache.ref, err)
		}
	}
	for _, name := range small(at.names, parts) {
		if err := d.file(ctx, at, name); err != nil {
			return err
		}
	}
	var heavy []string
	for _, p := range parts {
		var index []byte
		if _, sharded := at.files[p.path+indexFile]; sharded {
			if index, err = os.ReadFile(d.cache.file(at.hash, p.path+indexFile)); err != nil {
				return err
			}
		}
		names, err := p.weights(at.names, index)
		if err != nil {
			return fmt.Errorf("%s: %w", d.cache.ref, err)
		}
		heavy = append(heavy, names...)
	}
	for _, name := range heavy {
		if err := d.file(ctx, at, name); err != nil {
			return err
		}
	}
	err = errors.Join(d.cache.markAbsent(at.hash, at.files, parts), d.cache.setCommit(at.hash))
	if isReadOnly(err) {
		return nil // everything is there; only the notes for next time are not
	}
	return err
}

// parts are the parts of a commit's repository, for which its modules.json is
// fetched if it has one.
func (d *download) parts(ctx context.Context, at commit) ([]part, error) {
	if _, ok := at.files[modulesFile]; !ok {
		return parts(nil)
	}
	if err := d.file(ctx, at, modulesFile); err != nil {
		return nil, err
	}
	return d.cache.parts(at.hash)
}

// file puts one file into the snapshot, unless it is there.
func (d *download) file(ctx context.Context, at commit, name string) error {
	known := at.files[name]
	if st, err := os.Stat(d.cache.file(at.hash, name)); err == nil && (known.size < 0 || st.Size() == known.size) {
		return nil
	}
	etag, known, err := d.client.describe(ctx, d.cache.ref, at.hash, name, known)
	if err != nil {
		return err
	}
	unlock, err := lock(ctx, d.cache.lockFile(etag))
	if path := new(fs.PathError); errors.As(err, &path) {
		return fmt.Errorf("%s: %s: the cache can't be written: %w: set HF_HOME or HF_HUB_CACHE to a folder that may be", d.cache.ref, name, err)
	} else if err != nil {
		return fmt.Errorf("%s: %s: %w", d.cache.ref, name, err)
	}
	defer unlock()
	blob := d.cache.blob(etag)
	st, err := os.Stat(blob)
	if err != nil || known.size >= 0 && st.Size() != known.size {
		if err := d.blob(ctx, at, name, blob, known); err != nil {
			return fmt.Errorf("%s: %s: %w", d.cache.ref, name, err)
		}
	}
	return d.cache.link(at.hash, name, etag)
}

func (d *download) blob(ctx context.Context, at commit, name, blob string, known announced) error {
	p, err := openPartial(blob+".incomplete", known)
	if err != nil {
		return err
	}
	defer p.f.Close()
	if free, ok := freeSpace(d.cache.path("blobs")); ok && known.size >= 0 && free < known.size-p.n {
		return d.full(known.size-p.n, fmt.Errorf("%d bytes are free", free))
	}
	progress := func(done, total int64) {
		if d.progress != nil {
			d.progress(name, done, total)
		}
	}
	refused := func(r *http.Response) error { return d.client.refusal(r, d.cache.ref, name) }
	err = d.client.fetch(ctx, d.client.fileAddress(d.cache.ref, at.hash, name), p, refused, progress)
	if isFull(err) {
		return d.full(max(0, known.size-p.n), err)
	}
	if errors.Is(err, ErrContent) {
		return errors.Join(err, os.Remove(p.f.Name()))
	}
	if err != nil {
		return err
	}
	if err := errors.Join(p.f.Sync(), p.f.Close()); err != nil {
		return err
	}
	return os.Rename(p.f.Name(), blob)
}

func (d *download) full(need int64, err error) error {
	return fmt.Errorf("%w in %s: %d more bytes are needed (%w): make room, or set HF_HUB_CACHE to another disk; the download goes on where it stopped", ErrSpace, d.cache.root, need, err)
}
