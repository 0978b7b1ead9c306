package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// partial is a file on its way: what is on disk, and its running hash.
type partial struct {
	f     *os.File
	n     int64
	sum   hash.Hash // nil where no hash is announced
	known announced
}

// openPartial goes on with what an earlier attempt left.
func openPartial(path string, known announced) (*partial, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	p := &partial{f: f, known: known}
	if err := p.reread(); err != nil {
		f.Close()
		return nil, err
	}
	return p, nil
}

// reread takes the state from the file.
func (p *partial) reread() error {
	p.sum = p.hasher()
	if _, err := p.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	w := io.Discard
	if p.sum != nil {
		w = p.sum
	}
	var err error
	p.n, err = io.Copy(w, p.f)
	return err
}

func (p *partial) hasher() hash.Hash {
	switch {
	case p.known.sha256 != "":
		return sha256.New()
	case p.known.git != "" && p.known.size >= 0:
		h := sha1.New()
		fmt.Fprintf(h, "blob %d\x00", p.known.size)
		return h
	}
	return nil
}

func (p *partial) restart() error {
	if err := p.f.Truncate(0); err != nil {
		return err
	}
	return p.reread()
}

func (p *partial) Write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	p.n += int64(n)
	if p.sum != nil {
		p.sum.Write(b[:n])
	}
	return n, err
}

// check compares the whole file with what was announced.
func (p *partial) check() error {
	if p.known.size >= 0 && p.n != p.known.size {
		return fmt.Errorf("%w: %d bytes instead of %d", ErrContent, p.n, p.known.size)
	}
	if p.sum == nil {
		return nil
	}
	name, want := "SHA-256", p.known.sha256
	if want == "" {
		name, want = "git hash", p.known.git
	}
	if got := hex.EncodeToString(p.sum.Sum(nil)); got != want {
		return fmt.Errorf("%w: its %s is %s instead of %s", ErrContent, name, got, want)
	}
	return nil
}

// errWrite sets errors of the disk apart from those of the network.
type errWrite struct{ error }

func (e errWrite) Unwrap() error { return e.error }

// fetch fills p from address, going on after every break. It fails after
// attempts without one new byte, or when whole files arrive wrong thrice.
func (c *client) fetch(ctx context.Context, address string, p *partial, refused func(*http.Response) error, progress func(done, total int64)) error {
	const mostWrong = 3
	for failed, wrong := 0, 0; ; {
		var err error
		before := p.n
		if p.known.size >= 0 && p.n > p.known.size {
			if err := p.restart(); err != nil {
				return err
			}
		}
		var hint time.Duration
		if p.known.size < 0 || p.n < p.known.size {
			hint, err = c.fetchOnce(ctx, address, p, refused, progress)
		}
		if err == nil {
			if err = p.check(); err == nil {
				return nil
			}
			if wrong++; wrong == mostWrong {
				return err
			}
			if err := p.restart(); err != nil {
				return err
			}
		}
		var disk errWrite
		var final errFinal
		if ctx.Err() != nil || errors.As(err, &disk) || errors.As(err, &final) {
			return err
		}
		if p.n > before {
			failed = 0
		}
		if failed++; failed == attempts {
			return fmt.Errorf("gave up after %d attempts: %w", attempts, err)
		}
		if err := c.wait(ctx, pause(failed, hint)); err != nil {
			return err
		}
	}
}

// errFinal is an answer that no repetition changes.
type errFinal struct{ error }

func (e errFinal) Unwrap() error { return e.error }

var rangeStart = regexp.MustCompile(`^bytes (\d+)-\d+/(\d+|\*)$`)

// fetchOnce asks for what is not there yet and writes what comes.
func (c *client) fetchOnce(ctx context.Context, address string, p *partial, refused func(*http.Response) error, progress func(done, total int64)) (hint time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	header := http.Header{}
	if p.n > 0 {
		header.Set("Range", "bytes="+strconv.FormatInt(p.n, 10)+"-")
	}
	r, err := c.send(ctx, http.MethodGet, address, header, false)
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	switch {
	case r.StatusCode == http.StatusPartialContent && p.n > 0:
		m := rangeStart.FindStringSubmatch(r.Header.Get("Content-Range"))
		if m == nil || m[1] != strconv.FormatInt(p.n, 10) {
			return 0, errors.Join(fmt.Errorf("asked for bytes from %d, the answer has %q", p.n, r.Header.Get("Content-Range")), p.restart())
		}
	case r.StatusCode == http.StatusOK:
		if p.n > 0 { // the server knows no ranges
			if err := p.restart(); err != nil {
				return 0, errWrite{err}
			}
		}
		if p.known.size < 0 && r.ContentLength >= 0 {
			p.known.size = r.ContentLength
			if err := p.restart(); err != nil { // a git hash begins with the size
				return 0, errWrite{err}
			}
		}
	case r.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		return 0, errors.Join(fmt.Errorf("the server has no bytes from %d on", p.n), p.restart())
	case transient(r.StatusCode):
		return retryAfter(r.Header, time.Now()), fmt.Errorf("the server answered %s", r.Status)
	default:
		return 0, errFinal{refused(r)}
	}
	idle := time.AfterFunc(c.idle, func() { cancel(fmt.Errorf("the server sent nothing for %v", c.idle)) })
	defer idle.Stop()
	buf := make([]byte, 256<<10)
	for {
		n, readErr := r.Body.Read(buf)
		idle.Reset(c.idle)
		if n > 0 {
			if p.known.size >= 0 && p.n+int64(n) > p.known.size {
				return 0, errors.Join(fmt.Errorf("%w: more than %d bytes", ErrContent, p.known.size), p.restart())
			}
			if _, err := p.Write(buf[:n]); err != nil {
				return 0, errWrite{err}
			}
			progress(p.n, p.known.size)
		}
		switch {
		case errors.Is(readErr, io.EOF):
			if p.known.size >= 0 && p.n < p.known.size {
				return 0, fmt.Errorf("the connection ended after %d of %d bytes", p.n, p.known.size)
			}
			return 0, nil
		case readErr != nil:
			if cause := context.Cause(ctx); cause != nil {
				readErr = cause
			}
			return 0, readErr
		}
	}
}
