package artifact

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/tunelab/tunelab/tracking"
)

// PutTree keeps every file under dir, and returns them in the order of their
// paths, relative to dir, as outputs of the given kind. Empty folders are not
// kept. A link, a socket or another thing that is not a plain file is Invalid.
func (s *Store) PutTree(ctx context.Context, dir, kind string) ([]tracking.ArtifactRef, error) {
	var refs []tracking.ArtifactRef
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return missing(file, err)
		}
		if d.IsDir() {
			return nil
		}
		if !d.Type().IsRegular() {
			return tracking.Errorf(tracking.Invalid, "%s: is not a plain file (%s); a tree holds plain files only", file, d.Type())
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		if err := tracking.ValidatePath(filepath.ToSlash(rel)); err != nil {
			return err
		}
		b, err := s.Put(ctx, file)
		if err != nil {
			return err
		}
		refs = append(refs, tracking.ArtifactRef{Direction: tracking.Out, Kind: kind, Path: filepath.ToSlash(rel), SHA256: b.SHA256, Size: b.Size})
		return nil
	})
	if err != nil {
		return nil, err
	}
	sortByPath(refs) // WalkDir goes folder by folder
	return refs, nil
}

// How says how Materialize makes a file.
type How int

// Copy is for whoever may change the file. Link costs no space but shares the
// content with the store, and is for readers only (the file is read-only, which
// does not stop a superuser); where the file system cannot link, it copies.
const (
	Copy How = iota
	Link
)

// Materialize makes the files that refs name, under dir, and verifies each
// against its hash and size. A file that is there is replaced; a failure leaves
// the files that were already made.
//
// Errors: NotFound (no such blob), Corrupt (a damaged blob, or another size
// than refs say), Invalid (a path that leads out of dir, or stands twice).
func (s *Store) Materialize(ctx context.Context, refs []tracking.ArtifactRef, dir string, how How) error {
	seen := map[string]bool{}
	for _, r := range refs {
		if err := tracking.ValidatePath(r.Path); err != nil {
			return err
		}
		if seen[r.Path] {
			return tracking.Errorf(tracking.Invalid, "artifact path %q: stands twice; give each file once", r.Path)
		}
		seen[r.Path] = true
	}
	for _, r := range refs {
		if err := s.materialize(ctx, r, filepath.Join(dir, filepath.FromSlash(r.Path)), how); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) materialize(ctx context.Context, r tracking.ArtifactRef, to string, how How) error {
	from, err := s.Path(r.SHA256)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return unavailable("make "+to, err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(to), ".artifact-*")
	if err != nil {
		return unavailable("make "+to, err)
	}
	defer os.Remove(tmp.Name()) // also after renaming one link over another, which does nothing
	defer tmp.Close()

	var got Blob
	if how == Link {
		if got, err = HashFile(ctx, from); err == nil {
			if err = os.Remove(tmp.Name()); err == nil {
				err = os.Link(from, tmp.Name())
			}
		}
		if errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EMLINK) || errors.Is(err, unix.ENOTSUP) {
			if tmp, err = os.OpenFile(tmp.Name(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err == nil {
				defer tmp.Close()
				how = Copy
			}
		}
	}
	if err == nil && how == Copy {
		if err = tmp.Chmod(0o644); err == nil {
			got, err = s.copyTo(ctx, tmp, from)
		}
	}
	if err != nil {
		return unavailable("make "+to, err)
	}
	if got.SHA256 != r.SHA256 {
		return damaged(r.SHA256, from, got)
	}
	if got.Size != r.Size {
		return tracking.Errorf(tracking.Corrupt, "artifact %s (%s): has %d bytes and the record says %d; the record is wrong", r.SHA256, r.Path, got.Size, r.Size)
	}
	return unavailable("make "+to, os.Rename(tmp.Name(), to))
}

func (s *Store) copyTo(ctx context.Context, to *os.File, from string) (Blob, error) {
	f, err := os.Open(from)
	if err != nil {
		return Blob{}, err
	}
	defer f.Close()
	b, err := copyHashed(ctx, to, f)
	if err == nil {
		err = to.Close()
	}
	return b, err
}
