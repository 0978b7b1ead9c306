package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// A commit is the state of a repository, with what it holds.
type commit struct {
	hash  string
	files map[string]announced // by path
	names []string             // in the Hub's order
}

// announced is what the Hub says of a file; zero values are unknown.
type announced struct {
	size   int64  // bytes, -1 unknown
	sha256 string // of an LFS file
	git    string // SHA-1 of the git blob, of another file
}

var hexHash = regexp.MustCompile(`^[0-9a-f]+$`)

// lookUp asks the Hub which commit a revision is and what it holds.
func (c *client) lookUp(ctx context.Context, ref Ref) (commit, error) {
	address := c.endpoint + "/api/models/" + ref.Repo + "/revision/" + url.PathEscape(ref.Revision) + "?blobs=true"
	r, err := c.do(ctx, http.MethodGet, address, nil, false)
	if err != nil {
		return commit{}, fmt.Errorf("%s: %w", ref, err)
	}
	defer discard(r)
	if r.StatusCode != http.StatusOK {
		return commit{}, c.refusal(r, ref, "the model's description")
	}
	var info struct {
		SHA      string `json:"sha"`
		Siblings []struct {
			Name   string `json:"rfilename"`
			Size   *int64 `json:"size"`
			BlobID string `json:"blobId"`
			LFS    *struct {
				SHA256 string `json:"sha256"`
				Size   int64  `json:"size"`
			} `json:"lfs"`
		} `json:"siblings"`
	}
	const longest = 64 << 20
	if err := json.NewDecoder(io.LimitReader(r.Body, longest)).Decode(&info); err != nil {
		return commit{}, fmt.Errorf("%s: the Hub's description of the model: %w", ref, err)
	}
	if !commitHash.MatchString(info.SHA) {
		return commit{}, fmt.Errorf("%s: the Hub's description of the model: sha %q is not a commit", ref, info.SHA)
	}
	out := commit{hash: info.SHA, files: map[string]announced{}}
	for _, s := range info.Siblings {
		if !safePath(s.Name) {
			return commit{}, fmt.Errorf("%s: %q is not a path of a file", ref, s.Name)
		}
		a := announced{size: -1}
		if s.Size != nil {
			a.size = *s.Size
		}
		if s.LFS != nil {
			a.size = s.LFS.Size
			if len(s.LFS.SHA256) == 64 && hexHash.MatchString(s.LFS.SHA256) {
				a.sha256 = s.LFS.SHA256
			}
		} else if len(s.BlobID) == 40 && hexHash.MatchString(s.BlobID) {
			a.git = s.BlobID
		}
		if _, ok := out.files[s.Name]; !ok {
			out.names = append(out.names, s.Name)
		}
		out.files[s.Name] = a
	}
	return out, nil
}

// fileAddress is where a commit's file is fetched.
func (c *client) fileAddress(ref Ref, hash, name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return c.endpoint + "/" + ref.Repo + "/resolve/" + hash + "/" + strings.Join(parts, "/")
}

var plainEtag = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$`)

// describe asks for a file's etag, which names its blob, and completes what is
// announced of it: X-Linked-Etag and X-Linked-Size speak of the file itself
// where the answer is a redirect or a pointer.
func (c *client) describe(ctx context.Context, ref Ref, hash, name string, known announced) (string, announced, error) {
	r, err := c.do(ctx, http.MethodHead, c.fileAddress(ref, hash, name), nil, true)
	if err != nil {
		return "", known, fmt.Errorf("%s: %s: %w", ref, name, err)
	}
	defer discard(r)
	if r.StatusCode >= 400 {
		return "", known, c.refusal(r, ref, name)
	}
	if got := r.Header.Get("X-Repo-Commit"); got != "" && got != hash {
		return "", known, fmt.Errorf("%s: %s: asked for commit %s, the Hub answers for %s", ref, name, hash, got)
	}
	linked := r.Header.Get("X-Linked-Etag")
	etag := linked
	if etag == "" {
		etag = r.Header.Get("ETag")
	}
	etag = strings.Trim(strings.TrimPrefix(etag, "W/"), `"`)
	if !plainEtag.MatchString(etag) {
		return "", known, fmt.Errorf("%s: %s: the Hub gives no usable etag (%q): is HF_ENDPOINT a mirror of it?", ref, name, etag)
	}
	if known.sha256 == "" && linked != "" && len(etag) == 64 && hexHash.MatchString(etag) {
		known.sha256, known.git = etag, ""
	}
	size := r.Header.Get("X-Linked-Size")
	if size == "" && r.StatusCode == http.StatusOK {
		size = r.Header.Get("Content-Length")
	}
	if n, err := strconv.ParseInt(size, 10, 64); err == nil && n >= 0 {
		if known.size >= 0 && known.size != n {
			return "", known, fmt.Errorf("%s: %s: %w: %d bytes in one place, %d in another", ref, name, ErrContent, known.size, n)
		}
		known.size = n
	}
	return etag, known, nil
}
