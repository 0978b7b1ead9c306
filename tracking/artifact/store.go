package artifact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tunelab/tunelab/tracking"
)

// Store is a folder of blobs. Many goroutines and processes may use it at the
// same time.
type Store struct{ root string }

// Blob is what a content is named by.
type Blob struct {
	SHA256 string // 64 lower-case hexadecimal digits
	Size   int64  // bytes
}

// Open opens the store at root, making the folder when it is not there.
func Open(root string) (*Store, error) {
	abs, err := filepath.Abs(root)
	if err == nil {
		err = os.MkdirAll(filepath.Join(abs, "tmp"), 0o755)
	}
	if err != nil {
		return nil, unavailable("open the artifact store", err)
	}
	return &Store{abs}, nil
}

// Root is the absolute path of the store's folder.
func (s *Store) Root() string { return s.root }

// Path is where the blob lies, for those who only read it. NotFound when it is
// not there.
func (s *Store) Path(sha string) (string, error) {
	p, err := s.place(sha)
	if err != nil {
		return "", err
	}
	st, err := os.Lstat(p)
	if errors.Is(err, fs.ErrNotExist) {
		return "", tracking.Errorf(tracking.NotFound, "artifact %s: is not in %s; it was deleted, or made on another machine", sha, s.root)
	}
	if err != nil {
		return "", unavailable("look for artifact "+sha, err)
	}
	if !st.Mode().IsRegular() {
		return "", tracking.Errorf(tracking.Corrupt, "artifact %s: %s is not a plain file; delete it and put the artifact again", sha, p)
	}
	return p, nil
}

func (s *Store) place(sha string) (string, error) {
	if !tracking.IsSHA256(sha) {
		return "", tracking.Errorf(tracking.Invalid, "artifact %q: is not a SHA-256; give 64 lower-case hexadecimal digits", sha)
	}
	return filepath.Join(s.root, sha[:2], sha[2:]), nil
}

// Open opens a blob for reading. It does not verify it: see Verify, or compare
// the hash of what was read.
func (s *Store) Open(sha string) (*os.File, error) {
	p, err := s.Path(sha)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(p)
	return f, unavailable("open artifact "+sha, err)
}

// Put keeps the content of a file.
func (s *Store) Put(ctx context.Context, file string) (Blob, error) {
	b, err := HashFile(ctx, file)
	if err != nil {
		return Blob{}, err
	}
	unlock, err := s.lock(false)
	if err != nil {
		return Blob{}, err
	}
	defer unlock()
	if s.Verify(ctx, b.SHA256) == nil { // a damaged one is put anew
		p, _ := s.place(b.SHA256)
		now := time.Now()
		return b, unavailable("keep "+file, os.Chtimes(p, now, now)) // new again, for Collect
	}
	f, err := os.Open(file)
	if err != nil {
		return Blob{}, missing(file, err)
	}
	defer f.Close()
	return s.write(ctx, f)
}

// PutReader keeps what r gives, until its end.
func (s *Store) PutReader(ctx context.Context, r io.Reader) (Blob, error) {
	unlock, err := s.lock(false)
	if err != nil {
		return Blob{}, err
	}
	defer unlock()
	return s.write(ctx, r)
}

// write makes a blob: temporary file, sync, rename, sync of the folder.
func (s *Store) write(ctx context.Context, r io.Reader) (b Blob, err error) {
	f, err := os.CreateTemp(filepath.Join(s.root, "tmp"), "put-*")
	if err != nil {
		return b, unavailable("keep an artifact", err)
	}
	defer os.Remove(f.Name()) // gone after the rename
	defer f.Close()
	if b, err = copyHashed(ctx, f, r); err != nil {
		return Blob{}, unavailable("keep an artifact", err)
	}
	p, err := s.place(b.SHA256)
	if err != nil {
		return Blob{}, err
	}
	for _, step := range []func() error{
		func() error { return f.Chmod(0o444) },
		f.Sync,
		f.Close,
		func() error { return s.shard(filepath.Dir(p)) },
		func() error { return os.Rename(f.Name(), p) },
		func() error { return syncFolder(filepath.Dir(p)) },
	} {
		if err := step(); err != nil {
			return Blob{}, unavailable("keep artifact "+b.SHA256, err)
		}
	}
	return b, nil
}

// shard makes one of the 256 folders, durably.
func (s *Store) shard(dir string) error {
	if err := os.Mkdir(dir, 0o755); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	return syncFolder(s.root)
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// HashFile names the content of a file without keeping it.
func HashFile(ctx context.Context, file string) (Blob, error) {
	f, err := os.Open(file)
	if err != nil {
		return Blob{}, missing(file, err)
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil {
		return Blob{}, unavailable("read "+file, err)
	} else if !st.Mode().IsRegular() {
		return Blob{}, tracking.Errorf(tracking.Invalid, "%s: is not a plain file; give a file, or put the folder as a tree", file)
	}
	b, err := copyHashed(ctx, io.Discard, f)
	return b, unavailable("read "+file, err)
}

// copyHashed copies until r ends or ctx does, and names what was copied.
func copyHashed(ctx context.Context, w io.Writer, r io.Reader) (Blob, error) {
	h := sha256.New()
	n, err := io.CopyBuffer(hashing{w, h}, cancellable{ctx, r}, make([]byte, 1<<20))
	if err != nil {
		return Blob{}, err
	}
	return Blob{hex.EncodeToString(h.Sum(nil)), n}, nil
}

type hashing struct {
	w io.Writer
	h hash.Hash
}

func (t hashing) Write(p []byte) (int, error) {
	t.h.Write(p)
	return t.w.Write(p)
}

type cancellable struct {
	ctx context.Context
	r   io.Reader
}

func (c cancellable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// missing is the error for a file that the caller named.
func missing(file string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return tracking.Errorf(tracking.NotFound, "%s: there is no such file", file)
	}
	return unavailable("read "+file, err)
}

// unavailable wraps an error of the file system; nil, a coded error and the
// end of a context pass as they are.
func unavailable(doing string, err error) error {
	var te *tracking.Error
	if err == nil || errors.As(err, &te) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return tracking.Errorf(tracking.Unavailable, "%s: %w", doing, err)
}
