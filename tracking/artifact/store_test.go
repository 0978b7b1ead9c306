package artifact_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tunelab/tunelab/tracking"
	"github.com/tunelab/tunelab/tracking/artifact"
)

// The SHA-256 of "abc" and of nothing, from FIPS 180-4.
const (
	abcHash   = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

func open(t *testing.T) *artifact.Store {
	t.Helper()
	s, err := artifact.Open(filepath.Join(t.TempDir(), "blobs"))
	must(t, err)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, err error, code tracking.Code, word string) {
	t.Helper()
	if !errors.Is(err, code) || !strings.Contains(err.Error(), word) {
		t.Fatalf("got error %v (%s), want code %s naming %q", err, tracking.CodeOf(err), code, word)
	}
}

// file writes a file under a fresh folder and returns its path.
func file(t *testing.T, content string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "f")
	must(t, os.WriteFile(p, []byte(content), 0o644))
	return p
}

// damage changes one byte of a blob in place.
func damage(t *testing.T, s *artifact.Store, sha string) {
	t.Helper()
	p, err := s.Path(sha)
	must(t, err)
	b, err := os.ReadFile(p)
	must(t, err)
	b[0] ^= 1
	must(t, os.Chmod(p, 0o644))
	must(t, os.WriteFile(p, b, 0o644))
}

func TestPutAndOpen(t *testing.T) {
	s := open(t)
	big := make([]byte, 3<<20+7)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range big {
		big[i] = byte(rng.Uint32())
	}
	for _, c := range []struct{ content, hash string }{{"abc", abcHash}, {"", emptyHash}, {string(big), ""}} {
		b, err := s.Put(t.Context(), file(t, c.content))
		must(t, err)
		if c.hash != "" && b.SHA256 != c.hash {
			t.Errorf("hash of %q: %s", c.content, b.SHA256)
		}
		if b.Size != int64(len(c.content)) {
			t.Errorf("size %d, want %d", b.Size, len(c.content))
		}
		again, err := s.PutReader(t.Context(), strings.NewReader(c.content))
		must(t, err)
		if again != b {
			t.Errorf("put again: %v, want %v", again, b)
		}
		f, err := s.Open(b.SHA256)
		must(t, err)
		got, err := io.ReadAll(f)
		must(t, err)
		f.Close()
		if !bytes.Equal(got, []byte(c.content)) {
			t.Error("content differs")
		}
	}
	p, err := s.Path(abcHash)
	must(t, err)
	if want := filepath.Join(s.Root(), "ba", abcHash[2:]); p != want {
		t.Errorf("path %s, want %s", p, want)
	}
	left, err := os.ReadDir(filepath.Join(s.Root(), "tmp"))
	must(t, err)
	if len(left) != 0 {
		t.Errorf("%d temporary files left", len(left))
	}
	must(t, s.Check(t.Context()))
}

func TestRefusals(t *testing.T) {
	s := open(t)
	_, err := s.Put(t.Context(), filepath.Join(t.TempDir(), "none"))
	refused(t, err, tracking.NotFound, "none")
	_, err = s.Put(t.Context(), t.TempDir())
	refused(t, err, tracking.Invalid, "plain file")
	_, err = s.Open(abcHash)
	refused(t, err, tracking.NotFound, abcHash)
	_, err = s.Open("../../etc/passwd")
	refused(t, err, tracking.Invalid, "passwd")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.PutReader(ctx, strings.NewReader("abc")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled put: %v", err)
	}
	if _, err := s.Path(abcHash); !errors.Is(err, tracking.NotFound) {
		t.Errorf("a cancelled put left a blob: %v", err)
	}
}

func TestDamageIsFoundAndHealed(t *testing.T) {
	s := open(t)
	b, err := s.Put(t.Context(), file(t, "abc"))
	must(t, err)
	_, err = s.Put(t.Context(), file(t, "other"))
	must(t, err)
	must(t, s.Verify(t.Context(), b.SHA256))
	damage(t, s, b.SHA256)
	refused(t, s.Verify(t.Context(), b.SHA256), tracking.Corrupt, b.SHA256)
	refused(t, s.Check(t.Context()), tracking.Corrupt, b.SHA256)
	refs := []tracking.ArtifactRef{{Path: "x", SHA256: b.SHA256, Size: 3}}
	for _, how := range []artifact.How{artifact.Copy, artifact.Link} {
		dir := t.TempDir()
		refused(t, s.Materialize(t.Context(), refs, dir, how), tracking.Corrupt, b.SHA256)
		left, err := os.ReadDir(dir)
		must(t, err)
		if len(left) != 0 {
			t.Errorf("a damaged blob left %v", left)
		}
	}
	_, err = s.Put(t.Context(), file(t, "abc"))
	must(t, err)
	must(t, s.Check(t.Context()))

	must(t, os.WriteFile(filepath.Join(s.Root(), "ba", "stray"), nil, 0o644))
	refused(t, s.Check(t.Context()), tracking.Corrupt, "stray")
}

func TestTree(t *testing.T) {
	s, dir := open(t), t.TempDir()
	content := map[string]string{"config.json": "{}", "a-b": "1", "a/b.txt": "abc", "a/c/d": "", "z": "abc"}
	for p, c := range content {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, p)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, p), []byte(c), 0o644))
	}
	refs, err := s.PutTree(t.Context(), dir, "adapter")
	must(t, err)
	var paths []string
	for _, r := range refs {
		paths = append(paths, r.Path)
		if r.Direction != tracking.Out || r.Kind != "adapter" || r.Size != int64(len(content[r.Path])) {
			t.Errorf("reference %+v", r)
		}
	}
	if got, want := strings.Join(paths, " "), "a-b a/b.txt a/c/d config.json z"; got != want {
		t.Errorf("paths %q, want %q", got, want)
	}
	must(t, tracking.ValidateArtifacts(refs))

	for _, how := range []artifact.How{artifact.Copy, artifact.Link} {
		out := t.TempDir()
		for range 2 { // again, over the files of the first time
			must(t, s.Materialize(t.Context(), refs, out, how))
		}
		again, err := s.PutTree(t.Context(), out, "adapter")
		must(t, err)
		if len(again) != len(refs) {
			t.Fatalf("%d files came back of %d", len(again), len(refs))
		}
		for i := range refs {
			if again[i] != refs[i] {
				t.Errorf("came back as %+v, want %+v", again[i], refs[i])
			}
		}
		blob, err := s.Path(abcHash)
		must(t, err)
		a, err := os.Stat(blob)
		must(t, err)
		b, err := os.Stat(filepath.Join(out, "z"))
		must(t, err)
		if os.SameFile(a, b) != (how == artifact.Link) {
			t.Errorf("how %d: shares the blob's file: %t", how, os.SameFile(a, b))
		}
	}

	must(t, os.Symlink("config.json", filepath.Join(dir, "link")))
	_, err = s.PutTree(t.Context(), dir, "adapter")
	refused(t, err, tracking.Invalid, "link")
	_, err = s.PutTree(t.Context(), filepath.Join(dir, "none"), "adapter")
	refused(t, err, tracking.NotFound, "none")
}

func TestMaterializeRefuses(t *testing.T) {
	s := open(t)
	b, err := s.Put(t.Context(), file(t, "abc"))
	must(t, err)
	ref := func(path string, size int64) []tracking.ArtifactRef {
		return []tracking.ArtifactRef{{Path: path, SHA256: b.SHA256, Size: size}}
	}
	dir := t.TempDir()
	refused(t, s.Materialize(t.Context(), ref("../x", 3), dir, artifact.Copy), tracking.Invalid, "../x")
	refused(t, s.Materialize(t.Context(), ref("x", 4), dir, artifact.Copy), tracking.Corrupt, "4")
	refused(t, s.Materialize(t.Context(), append(ref("x", 3), ref("x", 3)...), dir, artifact.Copy), tracking.Invalid, "twice")
	gone := ref("x", 3)
	gone[0].SHA256 = emptyHash
	refused(t, s.Materialize(t.Context(), gone, dir, artifact.Link), tracking.NotFound, emptyHash)
}

func TestCollect(t *testing.T) {
	s := open(t)
	live, err := s.Put(t.Context(), file(t, "live"))
	must(t, err)
	dead, err := s.Put(t.Context(), file(t, "dead!"))
	must(t, err)
	fresh, err := s.Put(t.Context(), file(t, "fresh"))
	must(t, err)
	again, err := s.Put(t.Context(), file(t, "again"))
	must(t, err)
	interrupted := filepath.Join(s.Root(), "tmp", "put-1")
	must(t, os.WriteFile(interrupted, []byte("half"), 0o644))
	old, cut := time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
	for _, b := range []artifact.Blob{live, dead, again} {
		p, err := s.Path(b.SHA256)
		must(t, err)
		must(t, os.Chtimes(p, old, old))
	}
	must(t, os.Chtimes(interrupted, old, old))
	_, err = s.Put(t.Context(), file(t, "again")) // new again
	must(t, err)

	_, err = s.Collect(t.Context(), func(context.Context) ([]string, error) { return nil, tracking.Unavailable }, cut)
	if !errors.Is(err, tracking.Unavailable) {
		t.Fatalf("error of live: %v", err)
	}
	must(t, s.Verify(t.Context(), dead.SHA256))

	got, err := s.Collect(t.Context(), func(context.Context) ([]string, error) { return []string{live.SHA256, emptyHash}, nil }, cut)
	must(t, err)
	if want := (artifact.Collected{Blobs: 1, Bytes: 5}); got != want {
		t.Errorf("collected %+v, want %+v", got, want)
	}
	for _, b := range []artifact.Blob{live, fresh, again} {
		must(t, s.Verify(t.Context(), b.SHA256))
	}
	refused(t, s.Verify(t.Context(), dead.SHA256), tracking.NotFound, dead.SHA256)
	if _, err := os.Stat(interrupted); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the interrupted put is still there: %v", err)
	}
}

func TestConcurrentPuts(t *testing.T) {
	s := open(t)
	src := file(t, "abc")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if b, err := s.Put(t.Context(), src); err != nil || b.SHA256 != abcHash {
					t.Errorf("put: %v %v", b, err)
				}
				if err := s.Verify(t.Context(), abcHash); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
