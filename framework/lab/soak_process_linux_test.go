package lab

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// pluginOf gives the plugin process that a host has started and not reaped; 0
// when there is none.
func pluginOf(host int) int {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", host))
	for _, f := range tasks {
		raw, _ := os.ReadFile(f)
		for _, word := range strings.Fields(string(raw)) {
			if comm, _ := os.ReadFile("/proc/" + word + "/comm"); bytes.HasPrefix(comm, []byte("tunelab-plugin")) {
				pid, _ := strconv.Atoi(word)
				return pid
			}
		}
	}
	return 0
}

// carrying lists the processes that were started with the folder as TMPDIR, as
// hosts, their plugins and the children of those are, except this one.
func carrying(tmp string) (out []string) {
	mark := []byte("\x00TMPDIR=" + tmp + "\x00")
	envs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range envs {
		raw, err := os.ReadFile(f)
		pid := filepath.Base(filepath.Dir(f))
		if err != nil || !bytes.Contains(append([]byte{0}, raw...), mark) || pid == strconv.Itoa(os.Getpid()) {
			continue
		}
		stat, _ := os.ReadFile("/proc/" + pid + "/stat")
		if at := bytes.LastIndexByte(stat, ')'); at < 0 || bytes.HasPrefix(stat[at+1:], []byte(" Z")) {
			continue // it has ended, and waits to be reaped
		}
		name, _ := os.ReadFile("/proc/" + pid + "/comm")
		out = append(out, pid+" "+strings.TrimSpace(string(name)))
	}
	return out
}

// deadWithin demands that every process of the round ends.
func (s *soak) deadWithin(most time.Duration, fail func(string, ...any)) {
	s.Helper()
	var left []string
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if left = carrying(s.tmp); len(left) == 0 {
			return
		}
	}
	fail("processes that still live: %v", left)
	for _, p := range left { // they would count against every later round
		pid, _ := strconv.Atoi(strings.Fields(p)[0])
		if proc, err := os.FindProcess(pid); err == nil {
			proc.Kill()
		}
	}
}
