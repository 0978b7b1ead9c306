package cpu

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"strings"
)

// available is what the machine can still give in bytes, or the control group
// that this process is in if that is less; -1: neither says.
func available() int64 {
	return availableIn(os.ReadFile)
}

func availableIn(read func(name string) ([]byte, error)) int64 {
	have := int64(-1)
	less := func(n int64) {
		if have < 0 || n < have {
			have = max(n, 0)
		}
	}
	// MemAvailable is what can be had without swapping (proc_meminfo(5)), in KiB.
	raw, _ := read("/proc/meminfo")
	if n, ok := field(raw, "MemAvailable:"); ok {
		swap, _ := field(raw, "SwapFree:")
		less((n + swap) << 10)
	}
	raw, _ = read("/proc/self/cgroup")
	for line := range strings.Lines(string(raw)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3) // id, controllers, path
		if len(part) < 3 {
			continue
		}
		g := group{root: "/sys/fs/cgroup", limit: "memory.max", use: "memory.current", cached: []string{"inactive_file", "active_file"}} // version 2
		if part[1] == "memory" {
			g = group{root: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes", use: "memory.usage_in_bytes", cached: []string{"total_inactive_file", "total_active_file"}}
		} else if part[1] != "" {
			continue
		}
		for dir := path.Clean("/" + part[2]); ; dir = path.Dir(dir) { // a limit holds for all groups below
			if n, ok := g.left(read, dir); ok {
				less(n)
			}
			if dir == "/" {
				break
			}
		}
	}
	return have
}

// group names the files of a version of control groups (the kernel's
// admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst).
type group struct {
	root, limit, use string
	cached           []string // of memory.stat: files in memory, which make room
}

// left is what a group's limit leaves; not ok: it has none.
func (g group) left(read func(string) ([]byte, error), dir string) (n int64, ok bool) {
	number := func(name string) (v int64, ok bool) {
		raw, err := read(path.Join(g.root, dir, name))
		if err != nil {
			return 0, false
		}
		_, err = fmt.Sscan(string(raw), &v) // "max" is none
		return v, err == nil
	}
	limit, ok := number(g.limit)
	if !ok {
		return 0, false
	}
	used, ok := number(g.use)
	if !ok {
		return 0, false
	}
	stat, _ := read(path.Join(g.root, dir, "memory.stat"))
	for _, name := range g.cached {
		v, _ := field(stat, name)
		used -= v
	}
	return limit - max(used, 0), true
}

// field is the number behind a name that begins a line.
func field(raw []byte, name string) (v int64, ok bool) {
	for line := range bytes.Lines(raw) {
		if f := bytes.Fields(line); len(f) > 1 && string(f[0]) == name {
			_, err := fmt.Sscan(string(f[1]), &v)
			return v, err == nil
		}
	}
	return 0, false
}
