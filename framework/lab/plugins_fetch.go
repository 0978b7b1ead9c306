package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Bounds of a download.
const (
	fetchMost = 1 << 30 // bytes of one plugin binary
	fetchIn   = 10 * time.Minute
)

// fetch copies a file or a URL into the folder dir, executable and under its
// own base name, and checks its digest. Nothing of another digest stays.
func fetch(ctx context.Context, source, dir, digest string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchIn)
	defer cancel()
	shown := publicSource(source)
	body, base, err := openSource(ctx, source)
	if err != nil {
		return "", fmt.Errorf("get %s: %w", shown, err)
	}
	defer body.Close()
	file := filepath.Join(dir, base)
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // not executable until it is checked
	if err != nil {
		return "", fmt.Errorf("get %s: %w", shown, err)
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, h), io.LimitReader(body, fetchMost+1))
	if err == nil && n > fetchMost {
		err = fmt.Errorf("it is larger than %d MiB", fetchMost>>20)
	}
	if got := hex.EncodeToString(h.Sum(nil)); err == nil && got != digest {
		err = fmt.Errorf("its sha256 is %s, not %s: it is not the file that its author published, and nothing of it was run", got, digest)
	}
	if err == nil {
		err = errors.Join(out.Chmod(0o755), out.Sync())
	}
	if err = errors.Join(err, out.Close()); err != nil {
		os.Remove(file)
		return "", fmt.Errorf("get %s: %w", shown, err)
	}
	return file, nil
}

// isURL tells a URL from a file.
func isURL(source string) bool { return strings.Contains(source, "://") }

// publicSource is a source as errors name it: of a URL without what may be a
// secret (user, query, fragment).
func publicSource(source string) string {
	if !isURL(source) {
		return source
	}
	u, err := url.Parse(source)
	if err != nil {
		return "the URL"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// lockSource is a source as the lock file, which is committed, names it: of a
// file the base name alone, since its folder is this machine's.
func lockSource(source string) string {
	if isURL(source) {
		return publicSource(source)
	}
	return filepath.Base(source)
}

// openSource gives the bytes of a source and the base name of what they are.
func openSource(ctx context.Context, source string) (io.ReadCloser, string, error) {
	if !isURL(source) {
		f, err := os.Open(source)
		return f, filepath.Base(source), err
	}
	u, err := url.Parse(source)
	if err != nil { // its text would repeat the URL
		return nil, "", errors.New("it cannot be read as a URL")
	}
	if err := secure(u); err != nil {
		return nil, "", err
	}
	base := path.Base(u.Path)
	if base == "." || base == "/" {
		return nil, "", errors.New("its path names no file")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return nil, "", err
	}
	resp, err := client().Do(req)
	if e := (*url.Error)(nil); errors.As(err, &e) { // it names the URL, or the one that it was redirected to
		err = e.Err
	}
	if err != nil {
		return nil, "", err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, "", fmt.Errorf("the server answers %s", resp.Status)
	}
	if resp.ContentLength > fetchMost {
		resp.Body.Close()
		return nil, "", fmt.Errorf("it is larger than %d MiB", fetchMost>>20)
	}
	return resp.Body, base, nil
}

func client() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 30 * time.Second}).DialContext
	t.TLSHandshakeTimeout = 30 * time.Second
	t.ResponseHeaderTimeout = time.Minute
	return &http.Client{Transport: t, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if len(via) >= 10 {
			return errors.New("it redirects more than ten times")
		}
		if from := via[len(via)-1].URL; next.URL.Scheme != from.Scheme {
			return fmt.Errorf("it redirects from %s to %s", from.Scheme, next.URL.Scheme)
		}
		return secure(next.URL)
	}}
}

// secure refuses URLs that others on the network could answer; plain http is
// for this machine only.
func secure(u *url.URL) error {
	host := u.Hostname()
	ip := net.ParseIP(host)
	switch {
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && (host == "localhost" || ip != nil && ip.IsLoopback()):
		return nil
	}
	return fmt.Errorf("%s://%s: only https is taken (http from this machine alone); download it and install the file", u.Scheme, u.Host)
}
