package host

import (
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

// What programs say when the system refuses them memory (Go, pthreads, Python,
// C++, the errno) or a file. Neither leaves a trace in the exit status.
var (
	outOfSpace = regexp.MustCompile(`(?i)out of memory|cannot allocate memory|pthread_create failed|failed to create new OS thread|MemoryError|bad_alloc|ENOMEM`)
	outOfFiles = regexp.MustCompile(`(?i)too many open files|EMFILE`)
)

// exhausted gives the error of the limit that a text of the plugin speaks of;
// nil when it speaks of none that is set.
func (c *Client) exhausted(text string) error {
	l := c.opts.Limits
	for _, k := range []struct {
		field string
		most  int64
		words *regexp.Regexp
	}{{limitSpace, l.AddressSpaceBytes, outOfSpace}, {limitFiles, l.OpenFiles, outOfFiles}} {
		if k.most > 0 && k.words.MatchString(text) {
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
