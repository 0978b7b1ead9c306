package artifact

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tunelab/tunelab/tracking"
)

// Verify reads a blob whole and compares it with its name: nil, NotFound or
// Corrupt.
func (s *Store) Verify(ctx context.Context, sha string) error {
	p, err := s.Path(sha)
	if err != nil {
		return err
	}
	b, err := HashFile(ctx, p)
	if err == nil && b.SHA256 != sha {
		err = damaged(sha, p, b)
	}
	return err
}

func damaged(sha, path string, got Blob) error {
	return tracking.Errorf(tracking.Corrupt, "artifact %s: %s is damaged (its %d bytes have the hash %s); put the file again from a good copy", sha, path, got.Size, got.SHA256)
}

// Check verifies every blob and returns, joined, an error for each damaged one
// and each file that is no blob.
func (s *Store) Check(ctx context.Context) error {
	var found []error
	err := s.each(func(sha, path string) error {
		if !tracking.IsSHA256(sha) {
			found = append(found, tracking.Errorf(tracking.Corrupt, "%s: does not belong into an artifact store; move it away", path))
			return nil
		}
		switch err := s.Verify(ctx, sha); {
		case errors.Is(err, tracking.NotFound): // collected meanwhile
		case errors.Is(err, tracking.Corrupt):
			found = append(found, err)
		case err != nil:
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return nil
	}
	return &tracking.Error{Code: tracking.Corrupt, Message: errors.Join(found...).Error(), Err: errors.Join(found...)}
}

// each calls do for every file of every shard, in the order of their names.
func (s *Store) each(do func(sha, path string) error) error {
	shards, err := os.ReadDir(s.root)
	if err != nil {
		return unavailable("read the artifact store", err)
	}
	for _, shard := range shards {
		if len(shard.Name()) != 2 || !shard.IsDir() {
			continue
		}
		blobs, err := os.ReadDir(filepath.Join(s.root, shard.Name()))
		if err != nil {
			return unavailable("read the artifact store", err)
		}
		for _, b := range blobs {
			if err := do(shard.Name()+b.Name(), filepath.Join(s.root, shard.Name(), b.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Collected counts what Collect deleted.
type Collected struct {
	Blobs int   `json:"blobs"`
	Bytes int64 `json:"bytes"`
}

// Grace is the usual age, at least, of a blob that Collect may delete: a run
// puts its files first and names them in the record after.
const Grace = time.Hour

// Collect deletes the blobs that were last put before the given time and that
// live does not list, and the remains of interrupted puts of that age. live is
// called while no put can happen; pass a tracking.Store's ReferencedHashes. An
// error of live deletes nothing.
func (s *Store) Collect(ctx context.Context, live func(context.Context) ([]string, error), before time.Time) (Collected, error) {
	var c Collected
	unlock, err := s.lock(true)
	if err != nil {
		return c, err
	}
	defer unlock()
	hashes, err := live(ctx)
	if err != nil {
		return c, err
	}
	keep := make(map[string]bool, len(hashes))
	for _, h := range hashes {
		keep[h] = true
	}
	err = s.each(func(sha, path string) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if keep[sha] || !tracking.IsSHA256(sha) {
			return nil
		}
		size, err := removeOld(path, before)
		if err == nil && size >= 0 {
			c.Blobs, c.Bytes = c.Blobs+1, c.Bytes+size
		}
		return err
	})
	if err != nil {
		return c, err
	}
	remains, err := os.ReadDir(filepath.Join(s.root, "tmp"))
	if err != nil {
		return c, unavailable("read the artifact store", err)
	}
	for _, r := range remains {
		if _, err := removeOld(filepath.Join(s.root, "tmp", r.Name()), before); err != nil {
			return c, err
		}
	}
	return c, nil
}

// removeOld deletes a file last changed before the given time, and returns its
// size; -1 when it stays.
func removeOld(path string, before time.Time) (int64, error) {
	st, err := os.Lstat(path)
	if err != nil {
		return -1, unavailable("collect", err)
	}
	if !st.Mode().IsRegular() || !st.ModTime().Before(before) {
		return -1, nil
	}
	return st.Size(), unavailable("collect", os.Remove(path))
}

// lock takes the store's lock, shared by puts and for one collector alone. It
// goes with the process, however that ends.
func (s *Store) lock(alone bool) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(s.root, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, unavailable("lock the artifact store", err)
	}
	how := unix.LOCK_SH
	if alone {
		how = unix.LOCK_EX
	}
	for {
		err = unix.Flock(int(f.Fd()), how)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, unavailable("lock the artifact store", err)
	}
	return func() { f.Close() }, nil
}

func sortByPath(refs []tracking.ArtifactRef) {
	slices.SortFunc(refs, func(a, b tracking.ArtifactRef) int { return strings.Compare(a.Path, b.Path) })
}
