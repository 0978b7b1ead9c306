package cpu

import (
	"os"
	"testing"
)

func TestAvailable(t *testing.T) {
	const meminfo = "MemTotal:       4000 kB\nMemAvailable:   3000 kB\nSwapFree:       1000 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing is known":      {nil, -1},
		"the machine, and swap": {map[string]string{"/proc/meminfo": meminfo}, 4000 << 10},
		"a group of version 2, with a limit above it": {map[string]string{
			"/proc/meminfo":                    meminfo,
			"/proc/self/cgroup":                "0::/a/b\n",
			"/sys/fs/cgroup/a/b/memory.max":    "max\n",
			"/sys/fs/cgroup/a/memory.max":      "1000000\n",
			"/sys/fs/cgroup/a/memory.current":  "700000\n",
			"/sys/fs/cgroup/a/memory.stat":     "anon 5\ninactive_file 30000\nactive_file 20000\n",
			"/sys/fs/cgroup/a/b/memory.stat":   "inactive_file 1\n",
			"/sys/fs/cgroup/memory.max":        "5\n", // without its use: it says nothing
			"/sys/fs/cgroup/memory/memory.max": "5\n",
		}, 350000},
		"a container of version 1, whose path is seen from outside": {map[string]string{
			"/proc/meminfo":     meminfo,
			"/proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/docker/0123\n0::/\n",
			"/sys/fs/cgroup/memory/memory.limit_in_bytes": "500000\n",
			"/sys/fs/cgroup/memory/memory.usage_in_bytes": "600000\n",
			"/sys/fs/cgroup/memory/memory.stat":           "inactive_file 1\ntotal_inactive_file 50000\ntotal_active_file 1\n",
		}, 0},
	} {
		got := availableIn(func(name string) ([]byte, error) {
			if s, ok := c.files[name]; ok {
				return []byte(s), nil
			}
			return nil, os.ErrNotExist
		})
		if got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if n := available(); n < 1<<20 {
		t.Errorf("this machine has %d bytes", n)
	}
}

func BenchmarkAvailable(b *testing.B) {
	for b.Loop() {
		available()
	}
}
