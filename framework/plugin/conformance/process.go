package conformance

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one that a plugin started, or a plugin itself.
type process struct {
	pid  int
	name string
}

func (p process) String() string { return fmt.Sprintf("%s (%d)", p.name, p.pid) }
func (p process) kill()          { _ = syscall.Kill(p.pid, syscall.SIGKILL) }

// remaining lists the processes that still carry the folder as TMPDIR in the
// environment that they were started with, after waiting for them to end. It
// sees children that left the process group too. Where there is no /proc it
// sees none.
func remaining(tmpdir string, wait time.Duration) (left []process) {
	for end := time.Now().Add(wait); ; time.Sleep(20 * time.Millisecond) {
		if left = carrying(tmpdir); len(left) == 0 || time.Now().After(end) {
			return left
		}
	}
}

func carrying(tmpdir string) (out []process) {
	mark := append([]byte("\x00TMPDIR="+tmpdir), 0)
	envs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range envs {
		raw, err := os.ReadFile(f)
		if err != nil || !bytes.Contains(append([]byte{0}, raw...), mark) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if err != nil || pid == os.Getpid() || zombie(pid) {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(filepath.Dir(f), "comm"))
		out = append(out, process{pid, strings.TrimSpace(string(name))})
	}
	return out
}

// zombie tells a process that has ended and only waits to be reaped.
func zombie(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	at := bytes.LastIndexByte(raw, ')')
	return err != nil || at < 0 || bytes.HasPrefix(raw[at+1:], []byte(" Z"))
}
