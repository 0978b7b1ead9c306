package hub

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// sent are the files of the fake model that Resolve fetches.
var sent = []string{"additional_chat_templates/tool_use.jinja", "chat_template.jinja", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}

func TestResolveFillsTheStandardCache(t *testing.T) {
	h, dir := newFake(t), t.TempDir()
	o := h.options(dir)
	var last [2]int64
	o.Progress = func(file string, done, total int64) {
		if file == "model.safetensors" {
			if done <= last[0] || total != 1<<20 {
				t.Errorf("progress %d of %d after %v", done, total, last)
			}
			last = [2]int64{done, total}
		}
	}
	got, hash, err := Resolve(t.Context(), "hf:owner/name", o)
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(dir, "hub", "models--owner--name")
	if hash != commit1 || got != filepath.Join(base, "snapshots", commit1) {
		t.Errorf("%s at %s", got, hash)
	}
	if last != [2]int64{1 << 20, 1 << 20} {
		t.Errorf("progress ended at %v", last)
	}
	want := map[string]string{"refs/main": ""}
	for _, name := range sent {
		up := strings.Repeat("../", 2+strings.Count(name, "/"))
		want["snapshots/"+commit1+"/"+name] = up + "blobs/" + h.etag(name)
		want["blobs/"+h.etag(name)] = ""
		b, err := os.ReadFile(filepath.Join(got, name))
		if err != nil || string(b) != string(h.files[name]) {
			t.Errorf("%s: %d bytes (%v)", name, len(b), err)
		}
	}
	for _, name := range knownNames(nil) {
		if _, ok := h.files[name]; !ok {
			want[".no_exist/"+commit1+"/"+name] = ""
		}
	}
	found := under(t, base)
	for name, target := range want {
		if link, ok := found[name]; !ok || link != target {
			t.Errorf("%s links to %q (%v), want %q", name, link, ok, target)
		}
		delete(found, name)
	}
	for name := range found {
		t.Errorf("%s was not asked for", name)
	}
	if ref, _ := os.ReadFile(filepath.Join(base, "refs", "main")); string(ref) != commit1 {
		t.Errorf("refs/main holds %q", ref)
	}
	for _, r := range h.requests() {
		if r.server == "hub" && r.auth != "Bearer "+token || r.server == "content" && r.auth != "" {
			t.Errorf("%+v", r)
		}
	}

	// Once more: a branch is looked up, a commit isn't.
	for revision, n := range map[string]int{"@main": 1, "@" + commit1: 0, "@v1/x": 1} {
		if again, _, err := Resolve(t.Context(), "hf:owner/name"+revision, h.options(dir)); err != nil || again != got {
			t.Errorf("%s: %s (%v)", revision, again, err)
		}
		if asked := h.requests(); len(asked) != n {
			t.Errorf("%s: %d requests, want %d: %v", revision, len(asked), n, asked)
		}
	}
	if !exists(filepath.Join(base, "refs", "v1", "x")) {
		t.Error("the tag was not noted")
	}
}

func TestADownloadGoesOnWhereItStopped(t *testing.T) {
	h, dir := newFake(t), t.TempDir()
	const piece = 300_000
	h.before = func(w http.ResponseWriter, r *http.Request, name string) bool {
		if name == "model.safetensors" && r.Host == strings.TrimPrefix(h.content.URL, "http://") {
			h.cutAfter(w, r, name, piece)
		}
		return false
	}
	if _, _, err := Resolve(t.Context(), "hf:owner/name", h.options(dir)); err != nil {
		t.Fatal(err)
	}
	var ranges []string
	for _, r := range h.requests() {
		if r.server == "content" {
			ranges = append(ranges, r.ranged)
		}
	}
	if len(ranges) < 4 || ranges[0] != "" || slices.Contains(ranges[1:], "") {
		t.Errorf("ranges %q", ranges)
	}

	// Another process's beginning is taken up, too.
	dir = t.TempDir()
	blob := filepath.Join(dir, "hub", "models--owner--name", "blobs", h.etag("model.safetensors"))
	if err := writeFile(blob+".incomplete", string(h.files["model.safetensors"][:900_000])); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Resolve(t.Context(), "hf:owner/name", h.options(dir)); err != nil {
		t.Fatal(err)
	}
	for _, r := range h.requests() {
		if r.server == "content" && r.ranged != "bytes=900000-" {
			t.Errorf("range %q", r.ranged)
		}
	}
	if exists(blob+".incomplete") || !exists(blob) {
		t.Error("the blob is not in its place")
	}
}

func TestWhatAnEarlierProcessLeft(t *testing.T) {
	h := newFake(t)
	data := h.files["model.safetensors"]
	for name, left := range map[string][]byte{
		"whole": data, "too long": append(slices.Clone(data), 'x'), "other bytes": make([]byte, 5000), "whole but other bytes": make([]byte, len(data)), "empty": nil,
	} {
		dir := t.TempDir()
		blob := filepath.Join(dir, "hub", "models--owner--name", "blobs", h.etag("model.safetensors"))
		if err := writeFile(blob+".incomplete", string(left)); err != nil {
			t.Fatal(err)
		}
		got, _, err := Resolve(t.Context(), "hf:owner/name", h.options(dir))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if b, _ := os.ReadFile(filepath.Join(got, "model.safetensors")); sum256(b) != sum256(data) {
			t.Errorf("%s: other bytes", name)
		}
	}
}

func TestServersThatMisbehave(t *testing.T) {
	for name, fault := range map[string]func(h *fakeHub, w http.ResponseWriter, r *http.Request, nth int) bool{
		"wrong bytes once": func(h *fakeHub, w http.ResponseWriter, _ *http.Request, nth int) bool {
			if nth == 1 {
				w.Write(make([]byte, 1<<20)) //nolint:errcheck // a test's server
			}
			return nth == 1
		},
		"too many bytes once": func(h *fakeHub, w http.ResponseWriter, _ *http.Request, nth int) bool {
			if nth == 1 {
				w.Write(make([]byte, 1<<20+1)) //nolint:errcheck // a test's server
			}
			return nth == 1
		},
		"no ranges": func(h *fakeHub, w http.ResponseWriter, r *http.Request, nth int) bool {
			if nth == 1 {
				h.cutAfter(w, r, "model.safetensors", 1000)
			}
			w.Write(h.files["model.safetensors"]) //nolint:errcheck // a test's server
			return true
		},
		"another range": func(h *fakeHub, w http.ResponseWriter, r *http.Request, nth int) bool {
			if nth == 1 {
				h.cutAfter(w, r, "model.safetensors", 1000)
			}
			if nth == 2 {
				w.Header().Set("Content-Range", "bytes 0-1048575/1048576")
				w.WriteHeader(http.StatusPartialContent)
				w.Write(h.files["model.safetensors"]) //nolint:errcheck // a test's server
			}
			return nth == 2
		},
		"416": func(h *fakeHub, w http.ResponseWriter, r *http.Request, nth int) bool {
			if nth == 1 {
				h.cutAfter(w, r, "model.safetensors", 1000)
			}
			if nth == 2 {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			}
			return nth == 2
		},
		"a few 503": func(h *fakeHub, w http.ResponseWriter, r *http.Request, nth int) bool {
			if nth <= attempts-1 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return nth <= attempts-1
		},
		"silence": func(h *fakeHub, w http.ResponseWriter, r *http.Request, nth int) bool {
			if nth == 1 {
				w.Header().Set("Content-Length", "1048576")
				w.Write(h.files["model.safetensors"][:1000]) //nolint:errcheck // a test's server
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			}
			return nth == 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFake(t)
			nth := 0
			h.before = func(w http.ResponseWriter, r *http.Request, file string) bool {
				if file != "model.safetensors" || r.Host == strings.TrimPrefix(h.hub.URL, "http://") {
					return false
				}
				nth++
				return fault(h, w, r, nth)
			}
			o := h.options(t.TempDir())
			o.idle = 200 * time.Millisecond
			got, _, err := Resolve(t.Context(), "hf:owner/name", o)
			if err != nil {
				t.Fatal(err)
			}
			if b, _ := os.ReadFile(filepath.Join(got, "model.safetensors")); sum256(b) != h.etag("model.safetensors") {
				t.Error("other bytes")
			}
			if nth < 2 {
				t.Error("the fault did not show")
			}
		})
	}
}

func TestWrongBytesNeverEnterTheCache(t *testing.T) {
	for _, file := range []string{"model.safetensors", "config.json"} {
		h, dir := newFake(t), t.TempDir()
		h.before = func(w http.ResponseWriter, r *http.Request, name string) bool {
			if name == file && r.Method == http.MethodGet && (name == "config.json" || r.Host == strings.TrimPrefix(h.content.URL, "http://")) {
				w.Write([]byte(strings.Repeat("x", len(h.files[name])))) //nolint:errcheck // a test's server
				return true
			}
			return false
		}
		_, _, err := Resolve(t.Context(), "hf:owner/name", h.options(dir))
		if !errors.Is(err, ErrContent) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
		for name := range under(t, dir) {
			if strings.Contains(name, h.etag(file)) && !strings.HasSuffix(name, ".lock") || strings.HasSuffix(name, "/"+file) {
				t.Errorf("%s: %s is left", file, name)
			}
		}
	}
}

func TestWaitingAsAsked(t *testing.T) {
	h := newFake(t)
	var waits []time.Duration
	nth := 0
	h.before = func(w http.ResponseWriter, r *http.Request, name string) bool {
		if nth++; nth > 3 {
			return false
		}
		if nth == 1 {
			w.Header().Set("Retry-After", "7")
		}
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	o := h.options(t.TempDir())
	o.wait = func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}
	if _, _, err := Resolve(t.Context(), "hf:owner/name", o); err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{7 * time.Second, 2 * time.Second, 4 * time.Second}; !slices.Equal(waits, want) {
		t.Errorf("waited %v, want %v", waits, want)
	}
	now := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	for v, want := range map[string]time.Duration{"": 0, "x": 0, "-1": 0, "0.5": time.Second / 2, "Mon, 06 May 2024 07:09:09 GMT": time.Minute, "Mon, 06 May 2024 07:00:00 GMT": 0} {
		if got := retryAfter(http.Header{"Retry-After": {v}}, now); got != want {
			t.Errorf("Retry-After %q: %v, want %v", v, got, want)
		}
	}
	if d := pause(3, time.Hour); d != 5*time.Minute {
		t.Errorf("an hour became %v", d)
	}
}

func TestTheTokenStaysAtItsHost(t *testing.T) {
	h := newFake(t)
	h.big["config.json"] = true // by the content server
	h.before = func(w http.ResponseWriter, r *http.Request, name string) bool {
		if name == "tokenizer.json" && r.URL.Query().Get("again") == "" && r.Host == strings.TrimPrefix(h.hub.URL, "http://") {
			w.Header().Set("Location", r.URL.Path+"?again=1") // on the same host, as for renamed models
			w.WriteHeader(http.StatusTemporaryRedirect)
			return true
		}
		return false
	}
	if _, _, err := Resolve(t.Context(), "hf:owner/name", h.options(t.TempDir())); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range h.requests() {
		seen[r.server] = true
		if (r.auth != "") != (r.server == "hub") {
			t.Errorf("%+v", r)
		}
	}
	if !seen["content"] {
		t.Error("the content server was not asked")
	}
}

func TestCancelAndGoOn(t *testing.T) {
	h, dir := newFake(t), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	o := h.options(dir)
	o.Progress = func(file string, done, _ int64) {
		if file == "model.safetensors" && done > 0 {
			cancel()
		}
	}
	h.before = func(w http.ResponseWriter, r *http.Request, name string) bool {
		if name == "model.safetensors" && r.Host == strings.TrimPrefix(h.content.URL, "http://") && r.Header.Get("Range") == "" {
			w.Header().Set("Content-Length", "1048576")
			w.Write(h.files[name][:1000]) //nolint:errcheck // a test's server
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return true
		}
		return false
	}
	if _, _, err := Resolve(ctx, "hf:owner/name", o); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	if exists(filepath.Join(dir, "hub", "models--owner--name", "refs", "main")) {
		t.Error("main means a commit that is not there")
	}
	h.requests()
	if _, _, err := Resolve(t.Context(), "hf:owner/name", h.options(dir)); err != nil {
		t.Fatal(err)
	}
	for _, r := range h.requests() {
		if r.server == "content" && r.ranged != "bytes=1000-" {
			t.Errorf("%+v", r)
		}
	}
}

func TestNotEnoughSpace(t *testing.T) {
	h := newFake(t)
	h.sizes["model.safetensors"] = 1 << 60
	_, _, err := Resolve(t.Context(), "hf:owner/name", h.options(t.TempDir()))
	if !errors.Is(err, ErrSpace) || !strings.Contains(err.Error(), "HF_HUB_CACHE") {
		t.Errorf("%v", err)
	}
}
