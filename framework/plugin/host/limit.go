package host

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"syscall"
)

// LimitError says which of the budget's limits a plugin ran into.
type LimitError struct {
	Plugin string
	Limit  string // field under budget.limits
	Most   int64
	Said   string // what it died of, or complained about
}

func (e *LimitError) Error() string {
	what := "used up its CPU time, %d seconds"
	switch e.Limit {
	case limitSpace:
		what = "got no more memory within its address space, %d bytes"
	case limitFiles:
		what = "may not have more files open at once than %d"
	}
	s := fmt.Sprintf("plugin %s "+what+" (budget.limits.%s); raise the limit or give it less to do", e.Plugin, e.Most, e.Limit)
	if e.Said != "" {
		s += "; it said: " + e.Said
	}
	return s
}

const (
	limitCPU   = "cpu_seconds"
	limitSpace = "address_space_bytes"
	limitFiles = "open_files"
)

// want is how a text speaks of something that the system refused: a line that
// yes matches and no does not. Neither kind leaves a trace in the exit status.
type want struct{ yes, no *regexp.Regexp }

var (
	// As Go, pthreads, Python, C++ and the errno say it. The memory of a GPU is
	// another matter (PyTorch: "CUDA out of memory").
	ofSpace = want{regexp.MustCompile(`(?i:out of memory|can(?:not|'t) allocate memory|pthread_create failed|failed to create new OS thread)|\bMemoryError\b|\bbad_alloc\b|\bENOMEM\b`),
		regexp.MustCompile(`(?i)\b(cuda\w*|cudnn|cublas|nccl|hip|rocm|xpu|mps|gpu)\b`)}
	ofFiles = want{yes: regexp.MustCompile(`(?i:too many open files)|\bEMFILE\b`)}
)

// in gives the first line of a text that speaks of the want; "" for none.
func (w want) in(text []byte) string {
	if !w.yes.Match(text) {
		return ""
	}
	for line := range bytes.Lines(text) {
		if w.yes.Match(line) && (w.no == nil || !w.no.Match(line)) {
			return string(bytes.TrimSpace(line))
		}
	}
	return ""
}

// exhausted gives the error of the limit that a text of the plugin speaks of;
// nil when it speaks of none that is set.
func (c *Client) exhausted(text string) error {
	l := c.opts.Limits
	for _, k := range []struct {
		field string
		most  int64
		of    want
	}{{limitSpace, l.AddressSpaceBytes, ofSpace}, {limitFiles, l.OpenFiles, ofFiles}} {
		if k.most > 0 && k.of.in([]byte(text)) != "" {
			return &LimitError{c.name(), k.field, k.most, text}
		}
	}
	return nil
}

// limited gives the error of the limit that ended the process; nil when none
// did. A Go program ignores SIGXCPU, and is killed at the hard limit.
func (c *Client) limited(st *os.ProcessState) error {
	most := c.opts.Limits.CPUSeconds
	if st != nil && most > 0 {
		ws, ok := st.Sys().(syscall.WaitStatus)
		used := st.UserTime() + st.SystemTime()
		if ok && ws.Signaled() && (ws.Signal() == syscall.SIGXCPU || ws.Signal() == syscall.SIGKILL && used.Seconds() >= float64(most)) {
			return &LimitError{c.name(), limitCPU, most, ""}
		}
	}
	return c.exhausted(c.log.complaint())
}
