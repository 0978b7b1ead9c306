package hub

import (
	"errors"
	"fmt"
	"net/http"
)

// Errors that a caller may ask for with errors.Is.
var (
	ErrNotFound = errors.New("no such model on the Hub")
	ErrRevision = errors.New("no such revision")
	ErrAccess   = errors.New("access is refused")
	ErrGated    = errors.New("the model is gated")
	ErrOffline  = errors.New("offline")
	ErrWeights  = errors.New("no weights in safetensors")
	ErrSpace    = errors.New("not enough disk space")
	ErrContent  = errors.New("the download is not what the Hub announced")
)

// refusal makes the error of a response that is no success: what is wrong and
// what to do about it.
func (c *client) refusal(r *http.Response, ref Ref, what string) error {
	code := r.Header.Get("X-Error-Code")
	page := c.endpoint + "/" + ref.Repo
	withToken := "the token was refused: make one with read access (" + c.endpoint + "/settings/tokens)"
	if c.token == "" {
		withToken = "set HF_TOKEN, or log in with `hf auth login`"
	}
	switch {
	case code == "GatedRepo":
		if c.token != "" {
			withToken = "use the token of an account that has access"
		}
		return fmt.Errorf("%s: %w: ask for access at %s, then %s", ref, ErrGated, page, withToken)
	case code == "RevisionNotFound":
		return fmt.Errorf("%s: %w %q: see the branches, tags and commits at %s", ref, ErrRevision, ref.Revision, page)
	case code == "EntryNotFound":
		return fmt.Errorf("%s: the file %s is not in this revision", ref, what)
	case code == "RepoNotFound" || r.StatusCode == http.StatusUnauthorized && code == "":
		// The Hub answers 401 for what is private and for what isn't there.
		return fmt.Errorf("%s: %w at %s: check the spelling; if it is private, %s", ref, ErrNotFound, c.endpoint, withToken)
	case r.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%s: %s: %w at %s: check the spelling", ref, what, ErrNotFound, c.endpoint)
	case r.StatusCode == http.StatusUnauthorized || r.StatusCode == http.StatusForbidden:
		return fmt.Errorf("%s: %s: %w (%s): %s", ref, what, ErrAccess, r.Status, withToken)
	}
	return fmt.Errorf("%s: %s: the Hub answered %s", ref, what, r.Status)
}
