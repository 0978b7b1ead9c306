package hub

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRefusalsSayWhatToDo(t *testing.T) {
	answer := func(status int, code string) func(http.ResponseWriter, *http.Request, string) bool {
		return func(w http.ResponseWriter, _ *http.Request, _ string) bool {
			if code != "" {
				w.Header().Set("X-Error-Code", code)
			}
			w.WriteHeader(status)
			return true
		}
	}
	for _, c := range []struct {
		name, ref string
		before    func(http.ResponseWriter, *http.Request, string) bool
		token     string
		is        error
		says      string
	}{
		{"gated, no token", "hf:owner/name", answer(401, "GatedRepo"), "", ErrGated, "ask for access at %s/owner/name, then set HF_TOKEN"},
		{"gated, a token", "hf:owner/name", answer(403, "GatedRepo"), token, ErrGated, "an account that has access"},
		{"private or not there", "hf:other/model", nil, "", ErrNotFound, "check the spelling; if it is private, set HF_TOKEN"},
		{"401 without a code", "hf:owner/name", answer(401, ""), token, ErrNotFound, "the token was refused"},
		{"403", "hf:owner/name", answer(403, ""), token, ErrAccess, "the token was refused"},
		{"404", "hf:owner/name", answer(404, ""), token, ErrNotFound, "check the spelling"},
		{"revision", "hf:owner/name@nope", nil, token, ErrRevision, `no such revision "nope"`},
		{"500 for ever", "hf:owner/name", answer(500, ""), token, nil, "the Hub answered 500"},
		{"418", "hf:owner/name", answer(418, ""), token, nil, "the Hub answered 418"},
		{"a file gone", "hf:owner/name", func(w http.ResponseWriter, _ *http.Request, name string) bool {
			if name == "config.json" {
				w.Header().Set("X-Error-Code", "EntryNotFound")
				w.WriteHeader(404)
			}
			return name == "config.json"
		}, token, nil, "the file config.json is not in this revision"},
		{"a gated file", "hf:owner/name", func(w http.ResponseWriter, r *http.Request, name string) bool {
			if name == "model.safetensors" && r.Method == http.MethodGet {
				w.Header().Set("X-Error-Code", "GatedRepo")
				w.WriteHeader(403)
				return true
			}
			return false
		}, token, ErrGated, "ask for access"},
		{"another commit", "hf:owner/name", func(w http.ResponseWriter, _ *http.Request, name string) bool {
			if name == "config.json" {
				w.Header().Set("X-Repo-Commit", strings.Repeat("f", 40))
				w.Header().Set("ETag", `"abc"`)
			}
			return name == "config.json"
		}, token, nil, "asked for commit " + commit1},
		{"no etag", "hf:owner/name", func(w http.ResponseWriter, _ *http.Request, name string) bool {
			return name == "config.json"
		}, token, nil, "no usable etag"},
		{"a path for an etag", "hf:owner/name", func(w http.ResponseWriter, _ *http.Request, name string) bool {
			w.Header().Set("ETag", `"../../x"`)
			return name == "config.json"
		}, token, nil, "no usable etag"},
		{"a path for a file", "hf:owner/name", func(w http.ResponseWriter, _ *http.Request, _ string) bool {
			w.Write([]byte(`{"sha": "` + commit1 + `", "siblings": [{"rfilename": "../../x.json"}]}`)) //nolint:errcheck // a test's server
			return true
		}, token, nil, `"../../x.json" is not a path`},
		{"no commit", "hf:owner/name", func(w http.ResponseWriter, _ *http.Request, _ string) bool {
			w.Write([]byte(`{"sha": "../x", "siblings": []}`)) //nolint:errcheck // a test's server
			return true
		}, token, nil, "is not a commit"},
		{"no JSON", "hf:owner/name", func(w http.ResponseWriter, _ *http.Request, _ string) bool {
			w.Write([]byte(`<html>`)) //nolint:errcheck // a test's server
			return true
		}, token, nil, "description of the model"},
		{"round and round", "hf:owner/name", func(w http.ResponseWriter, r *http.Request, _ string) bool {
			w.Header().Set("Location", r.URL.String())
			w.WriteHeader(302)
			return true
		}, token, nil, "redirects more than"},
		{"to a file", "hf:owner/name", func(w http.ResponseWriter, _ *http.Request, _ string) bool {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(302)
			return true
		}, token, nil, "redirects to an address that is not followed"},
	} {
		h := newFake(t)
		h.before = c.before
		_, _, err := Resolve(t.Context(), c.ref, h.options(t.TempDir(), "HF_TOKEN="+c.token))
		says := strings.Replace(c.says, "%s", h.hub.URL, 1)
		if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", c.name, err, says)
		}
		if err != nil && (strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "signature")) {
			t.Errorf("%s: a secret in %v", c.name, err)
		}
	}
}

func TestASecretAddressStaysSecret(t *testing.T) {
	h := newFake(t)
	h.content.Close() // connections to it are refused
	_, _, err := Resolve(t.Context(), "hf:owner/name", h.options(t.TempDir()))
	if err == nil || strings.Contains(err.Error(), "signature") || !strings.Contains(err.Error(), "gave up after") {
		t.Errorf("%v", err)
	}
}

// A mistake in the environment is told before anything is asked, and says what
// to write; a token is never in it.
func TestMistakesInTheEnvironment(t *testing.T) {
	h, dir := newFake(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		env, says string
		asks      bool // the mistake shows only when the first file is written
	}{
		{env: "HF_ENDPOINT=hub.example.com/x", says: "write https://hub.example.com/x"},
		{env: "HF_ENDPOINT=localhost:8080", says: "write https://localhost:8080"},
		{env: "HF_ENDPOINT=127.0.0.1:80", says: "write https://127.0.0.1:80"},
		{env: "HF_ENDPOINT=ftp://example.com", says: "not the address of a mirror"},
		{env: "HF_ENDPOINT=https://exa mple.com", says: "not the address of a mirror"},
		{env: "HF_TOKEN=hf_se cret", says: "the token of HF_TOKEN holds the byte 0x20 after 5 others"},
		{env: "HF_TOKEN=hf_s\x00cret", says: "byte 0x00"},
		{env: "HF_TOKEN=„hf_secret“", says: "byte 0xe2 after 0 others"},
		{env: "HF_HOME=" + filepath.Join(dir, "file"), says: "set HF_HOME or HF_HUB_CACHE to a folder that may be", asks: true},
	} {
		o := h.options(t.TempDir(), c.env)
		o.wait = func(context.Context, time.Duration) error {
			t.Errorf("%s: it is tried again", c.env)
			return nil
		}
		_, _, err := Resolve(t.Context(), "hf:owner/name", o)
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "cret") {
			t.Errorf("%s: %v, want %s", c.env, err, c.says)
		}
		if asked := h.requests(); len(asked) > 0 && !c.asks {
			t.Errorf("%s: asked for %v", c.env, asked)
		}
	}
}

func TestOffline(t *testing.T) {
	h, dir := newFake(t), t.TempDir()
	offline := h.options(dir, "HF_HUB_OFFLINE=1")
	if _, _, err := Resolve(t.Context(), "hf:owner/name", offline); !errors.Is(err, ErrOffline) || !strings.Contains(err.Error(), "the cache "+filepath.Join(dir, "hub")+" has no commit") || !strings.Contains(err.Error(), "without HF_HUB_OFFLINE, or copy models--owner--name") {
		t.Errorf("an empty cache: %v", err)
	}
	got, hash, err := Resolve(t.Context(), "hf:owner/name", h.options(dir))
	if err != nil {
		t.Fatal(err)
	}
	h.requests()
	for _, ref := range []string{"hf:owner/name", "hf:owner/name@main", "hf:owner/name@" + hash} {
		if again, _, err := Resolve(t.Context(), ref, offline); err != nil || again != got {
			t.Errorf("%s: %s (%v)", ref, again, err)
		}
	}
	if _, _, err := Resolve(t.Context(), "hf:owner/name@other", offline); !errors.Is(err, ErrOffline) {
		t.Errorf("a branch never seen: %v", err)
	}
	for name, want := range map[string]string{"model.safetensors": "lacks model.safetensors", "config.json": "lacks config.json"} {
		path := filepath.Join(got, name)
		target, err := os.Readlink(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Resolve(t.Context(), "hf:owner/name", offline); !errors.Is(err, ErrOffline) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		// A link to nothing is as good as no file.
		if err := os.Symlink("../../blobs/none", path); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Resolve(t.Context(), "hf:owner/name@"+hash, offline); !errors.Is(err, ErrOffline) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
	}
	if asked := h.requests(); len(asked) > 0 {
		t.Errorf("offline, and %v", asked)
	}

	// With network, but none that answers: an error that knows the cache.
	h.hub.Close()
	if _, _, err := Resolve(t.Context(), "hf:owner/name", h.options(dir)); err == nil || !strings.Contains(err.Error(), "set HF_HUB_OFFLINE=1 to use it") {
		t.Errorf("%v", err)
	}
	if again, _, err := Resolve(t.Context(), "hf:owner/name@"+hash, h.options(dir)); err != nil || again != got {
		t.Errorf("a commit: %s (%v)", again, err)
	}
}

func TestACorruptBlobIsFetchedAgain(t *testing.T) {
	h, dir := newFake(t), t.TempDir()
	got, _, err := Resolve(t.Context(), "hf:owner/name", h.options(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(got, "model.safetensors"), 100); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Resolve(t.Context(), "hf:owner/name", h.options(dir)); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(filepath.Join(got, "model.safetensors")); sum256(b) != h.etag("model.safetensors") {
		t.Errorf("%d bytes", len(b))
	}
}

func TestAFullDiskIsKnown(t *testing.T) {
	if !isFull(errWrite{&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}}) || isFull(errors.New("x")) {
		t.Error("ENOSPC")
	}
}

func TestAMirrorUnderAPath(t *testing.T) {
	h := newFake(t)
	mux := http.NewServeMux()
	mux.Handle("/hf/", http.StripPrefix("/hf", http.HandlerFunc(h.serveHub)))
	mirror := httptest.NewServer(mux)
	defer mirror.Close()
	if _, _, err := Resolve(t.Context(), "hf:owner/name", h.options(t.TempDir(), "HF_ENDPOINT="+mirror.URL+"/hf/")); err != nil {
		t.Error(err)
	}
}
