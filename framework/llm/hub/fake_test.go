package hub

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	repo    = "owner/name"
	commit1 = "0123456789abcdef0123456789abcdef01234567"
	token   = "hf_secret"
)

// fakeHub answers as the Hub does: small files by itself, LFS files by a
// redirect to a second server with another host.
type fakeHub struct {
	t       *testing.T
	files   map[string][]byte
	big     map[string]bool  // LFS files
	sizes   map[string]int64 // announced in place of the true ones
	commit  string
	refs    map[string]string
	hub     *httptest.Server
	content *httptest.Server

	// before answers in place of the hub or content server if it gives true.
	before func(w http.ResponseWriter, r *http.Request, name string) bool

	mu  sync.Mutex
	log []request
}

type request struct {
	server string // hub or content
	method string
	name   string // of the file, "" for the API
	auth   string
	ranged string
}

func newFake(t *testing.T) *fakeHub {
	h := &fakeHub{t: t, commit: commit1, refs: map[string]string{"main": commit1, "v1/x": commit1}, sizes: map[string]int64{}}
	h.files = map[string][]byte{
		"config.json":                              []byte(`{"model_type": "gpt2"}`),
		"tokenizer.json":                           []byte(`{"version": "1.0"}`),
		"tokenizer_config.json":                    []byte(`{}`),
		"chat_template.jinja":                      []byte("{{ x }}"),
		"additional_chat_templates/tool_use.jinja": []byte("T"),
		"model.safetensors":                        blobOf(1 << 20),
		"README.md":                                []byte("# Model"),
		"pytorch_model.bin":                        blobOf(1000),
		"onnx/model.onnx":                          blobOf(1000),
		".gitattributes":                           []byte("*"),
	}
	h.big = map[string]bool{"model.safetensors": true, "pytorch_model.bin": true, "onnx/model.onnx": true}
	h.hub = httptest.NewServer(http.HandlerFunc(h.serveHub))
	h.content = httptest.NewServer(http.HandlerFunc(h.serveContent))
	t.Cleanup(h.hub.Close)
	t.Cleanup(h.content.Close)
	return h
}

// blobOf gives n bytes without a pattern of a short period.
func blobOf(n int) []byte {
	out := make([]byte, 0, n+sha256.Size)
	for i := 0; len(out) < n; i++ {
		s := sha256.Sum256([]byte(strconv.Itoa(i)))
		out = append(out, s[:]...)
	}
	return out[:n]
}

func sum256(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func gitHash(b []byte) string {
	s := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(b)), b...))
	return hex.EncodeToString(s[:])
}

func (h *fakeHub) etag(name string) string {
	if h.big[name] {
		return sum256(h.files[name])
	}
	return gitHash(h.files[name])
}

func (h *fakeHub) size(name string) int64 {
	if n, ok := h.sizes[name]; ok {
		return n
	}
	return int64(len(h.files[name]))
}

func (h *fakeHub) note(server string, r *http.Request, name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log = append(h.log, request{server, r.Method, name, r.Header.Get("Authorization"), r.Header.Get("Range")})
}

// requests gives what was asked since the last call.
func (h *fakeHub) requests() []request {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.log
	h.log = nil
	return out
}

func (h *fakeHub) serveHub(w http.ResponseWriter, r *http.Request) {
	if rev, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/models/"+repo+"/revision/"); ok {
		h.note("hub", r, "")
		if h.before != nil && h.before(w, r, "") {
			return
		}
		rev, _ = url.PathUnescape(rev)
		hash := h.refs[rev]
		if rev == h.commit {
			hash = rev
		}
		if hash == "" {
			w.Header().Set("X-Error-Code", "RevisionNotFound")
			http.Error(w, "Invalid rev id", http.StatusNotFound)
			return
		}
		h.describe(w, hash)
		return
	}
	if tree, ok := strings.CutPrefix(r.URL.Path, "/api/models/"+repo+"/tree/"); ok { // asked by huggingface_hub
		h.tree(w, tree)
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/"+repo+"/resolve/"+h.commit+"/")
	if !ok {
		w.Header().Set("X-Error-Code", "RepoNotFound")
		http.Error(w, "Repository not found", http.StatusUnauthorized)
		return
	}
	h.note("hub", r, name)
	if h.before != nil && h.before(w, r, name) {
		return
	}
	data, ok := h.files[name]
	if !ok {
		w.Header().Set("X-Error-Code", "EntryNotFound")
		http.Error(w, "Entry not found", http.StatusNotFound)
		return
	}
	w.Header().Set("X-Repo-Commit", h.commit)
	if h.big[name] {
		w.Header().Set("X-Linked-Etag", `"`+h.etag(name)+`"`)
		w.Header().Set("X-Linked-Size", strconv.FormatInt(h.size(name), 10))
		w.Header().Set("Location", h.content.URL+"/"+name+"?signature=private")
		w.WriteHeader(http.StatusFound)
		return
	}
	w.Header().Set("ETag", `W/"`+h.etag(name)+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

func (h *fakeHub) serveContent(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	h.note("content", r, name)
	if h.before != nil && h.before(w, r, name) {
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(h.files[name]))
}

func (h *fakeHub) describe(w http.ResponseWriter, hash string) {
	var list []map[string]any
	for _, name := range slices.Sorted(maps.Keys(h.files)) {
		f := map[string]any{"rfilename": name, "size": h.size(name), "blobId": gitHash(h.files[name])}
		if h.big[name] {
			f["blobId"] = gitHash([]byte("pointer of " + name))
			f["lfs"] = map[string]any{"sha256": sum256(h.files[name]), "size": h.size(name), "pointerSize": 134}
		}
		list = append(list, f)
	}
	json.NewEncoder(w).Encode(map[string]any{"id": repo, "sha": hash, "siblings": list}) //nolint:errcheck // a test's server
}

func (h *fakeHub) tree(w http.ResponseWriter, _ string) {
	var list []map[string]any
	for _, name := range slices.Sorted(maps.Keys(h.files)) {
		f := map[string]any{"type": "file", "path": name, "size": h.size(name), "oid": gitHash(h.files[name])}
		if h.big[name] {
			f["lfs"] = map[string]any{"oid": sum256(h.files[name]), "size": h.size(name), "pointerSize": 134}
		}
		list = append(list, f)
	}
	json.NewEncoder(w).Encode(list) //nolint:errcheck // a test's server
}

// options are those of a client of this hub with the cache in dir.
func (h *fakeHub) options(dir string, more ...string) Options {
	env := map[string]string{"HOME": dir, "HF_HOME": dir, "HF_ENDPOINT": h.hub.URL, "HF_TOKEN": token}
	for _, kv := range more {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	return Options{
		Env:  func(name string) string { return env[name] },
		wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		idle: 5 * time.Second,
	}
}

// cutAfter sends the first n bytes of what is asked for and drops the
// connection.
func (h *fakeHub) cutAfter(w http.ResponseWriter, r *http.Request, name string, n int) {
	data := h.files[name]
	from := 0
	if s := r.Header.Get("Range"); s != "" {
		fmt.Sscanf(s, "bytes=%d-", &from) //nolint:errcheck // ours
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)-from))
	if from > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	w.Write(data[from:min(from+n, len(data))]) //nolint:errcheck // cut anyway
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// under lists the files below dir, with what links point to.
func under(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		target, _ := os.Readlink(path)
		out[filepath.ToSlash(rel)] = target
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
