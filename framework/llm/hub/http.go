package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// client speaks to one endpoint.
type client struct {
	settings
	http *http.Client
	wait func(ctx context.Context, d time.Duration) error
	idle time.Duration // a body that sends nothing for so long is given up
}

func newClient(s settings) *client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 30 * time.Second
	transport.DisableCompression = true // sizes and ranges are those of the file
	return &client{settings: s, wait: sleep, idle: 60 * time.Second, http: &http.Client{
		Transport: transport,
		// Redirects are followed by send, which minds the token.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send makes one request and follows redirects; with stay, only those on the
// same host. The token goes to the endpoint's own scheme and host alone.
func (c *client) send(ctx context.Context, method, address string, header http.Header, stay bool) (*http.Response, error) {
	const most = 10
	home, err := url.Parse(c.endpoint)
	if err != nil {
		return nil, fmt.Errorf("HF_ENDPOINT: %w", err)
	}
	at, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	for range most {
		req, err := http.NewRequestWithContext(ctx, method, at.String(), nil)
		if err != nil {
			return nil, err
		}
		for k, v := range header {
			req.Header[k] = v
		}
		req.Header.Set("User-Agent", "tunelab")
		req.Header.Set("Accept-Encoding", "identity")
		if c.token != "" && at.Scheme == home.Scheme && at.Host == home.Host {
			req.Header.Set("Authorization", "Bearer "+c.token)
		}
		r, err := c.http.Do(req)
		if err != nil {
			return nil, withoutQuery(err)
		}
		if r.StatusCode < 300 || r.StatusCode > 399 || r.Header.Get("Location") == "" {
			return r, nil
		}
		next, err := at.Parse(r.Header.Get("Location"))
		if err != nil || next.Scheme != "https" && next.Scheme != at.Scheme {
			discard(r)
			return nil, fmt.Errorf("%s://%s redirects to an address that is not followed", at.Scheme, at.Host)
		}
		if stay && next.Host != at.Host {
			return r, nil
		}
		discard(r)
		at = next
	}
	return nil, fmt.Errorf("%s redirects more than %d times", address, most)
}

// withoutQuery removes the query of a failed address from its error: that of a
// content server carries a signature.
func withoutQuery(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		u.URL, _, _ = strings.Cut(u.URL, "?")
	}
	return err
}

func discard(r *http.Response) {
	io.Copy(io.Discard, io.LimitReader(r.Body, 64<<10)) //nolint:errcheck // only so that the connection is used again
	r.Body.Close()
}

// attempts is how often in a row a request may fail before it counts as failed.
const attempts = 6

// do sends until the answer is one that a repetition would not change.
func (c *client) do(ctx context.Context, method, address string, header http.Header, stay bool) (*http.Response, error) {
	for n := 1; ; n++ {
		r, err := c.send(ctx, method, address, header, stay)
		if err == nil && !transient(r.StatusCode) {
			return r, nil
		}
		var hint time.Duration
		if err == nil {
			hint = retryAfter(r.Header, time.Now())
			if n == attempts {
				return r, nil
			}
			discard(r)
		} else if n >= most(err) || ctx.Err() != nil {
			return nil, err
		}
		if err := c.wait(ctx, pause(n, hint)); err != nil {
			return nil, err
		}
	}
}

// most is attempts, and fewer where no connection comes about at all: a
// machine without network should hear of it soon.
func most(err error) int {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return 3
	}
	return attempts
}

func transient(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// pause is the time before the next attempt: 1, 2, 4, 8, 8 ... seconds, or what
// the server asks for if that is longer, five minutes at most.
func pause(n int, hint time.Duration) time.Duration {
	d := time.Second << min(n-1, 3)
	return min(max(d, hint), 5*time.Minute)
}

// retryAfter reads Retry-After, as seconds or as a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(v, 64); err == nil && s > 0 && s < 1e6 {
		return time.Duration(s * float64(time.Second))
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}
