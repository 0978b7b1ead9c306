package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ports are the TCP ports on which the process listens: the sockets among its
// open files that the kernel's table has in the state LISTEN (proc(5),
// /proc/net/tcp). Where there is no /proc it sees none.
func (p process) ports() (out []int) {
	mine := map[string]bool{} // inodes
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.pid))
	for _, l := range links {
		to, _ := os.Readlink(l)
		if inode, ok := strings.CutPrefix(to, "socket:["); ok {
			mine[strings.TrimSuffix(inode, "]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", p.pid, table))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(raw)) {
			f := strings.Fields(line) // sl local_address rem_address st ... inode at 9
			const listen = "0A"
			if len(f) < 10 || f[3] != listen || !mine[f[9]] {
				continue
			}
			if port, err := strconv.ParseInt(f[1][strings.LastIndexByte(f[1], ':')+1:], 16, 32); err == nil {
				out = append(out, int(port))
			}
		}
	}
	slices.Sort(out)
	return out
}
