package bench

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/tunelab/tunelab/framework/compute"
)

// Machine is where something was measured.
type Machine struct {
	OS       string   `json:"os"`
	Arch     string   `json:"arch"`
	CPU      string   `json:"cpu,omitempty"` // "" where the system does not tell
	Cores    int      `json:"cores"`
	Memory   int64    `json:"memory_bytes,omitempty"` // 0 where it is not known
	Flags    []string `json:"flags,omitempty"`        // of the processor's instruction sets, those that matter here
	Features string   `json:"features"`               // what the engine found and uses
	Threads  int      `json:"threads"`                // that the engine used
	Load     float64  `json:"load"`                   // processes that ran or waited to, over the last minute, before this one
	Go       string   `json:"go"`
}

// flags that tell how fast matrices can be multiplied, as /proc/cpuinfo has them.
var flags = map[string]bool{"avx2": true, "fma": true, "avx512f": true, "avx512bw": true, "avx512vl": true, "avx512_bf16": true, "avx512_vnni": true,
	"avx_vnni": true, "amx_tile": true, "amx_bf16": true, "amx_int8": true, "asimd": true, "asimddp": true, "bf16": true, "sve": true}

// thisMachine describes the machine as the engine uses it.
func thisMachine(e compute.Engine) Machine {
	m := Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU(), Go: runtime.Version(), Features: e.Features(), Threads: e.Threads()}
	for _, l := range procLines("/proc/cpuinfo") {
		switch key, value := l[0], l[1]; key {
		case "model name":
			m.CPU = value
		case "flags", "Features":
			m.Flags = nil
			for _, f := range strings.Fields(value) {
				if flags[f] {
					m.Flags = append(m.Flags, f)
				}
			}
		}
	}
	for _, l := range procLines("/proc/meminfo") {
		if l[0] == "MemTotal" {
			m.Memory = kibibytes(l[1])
		}
	}
	if raw, err := os.ReadFile("/proc/loadavg"); err == nil {
		first, _, _ := strings.Cut(string(raw), " ")
		m.Load, _ = strconv.ParseFloat(first, 64)
	}
	return m
}

// procLines reads a file of lines "key: value"; none where there is no such file.
func procLines(path string) [][2]string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var out [][2]string
	for s := bufio.NewScanner(f); s.Scan(); {
		if key, value, ok := strings.Cut(s.Text(), ":"); ok {
			out = append(out, [2]string{strings.TrimSpace(key), strings.TrimSpace(value)})
		}
	}
	return out
}

// kibibytes reads "123 kB" as bytes.
func kibibytes(s string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSuffix(s, " kB"), 10, 64)
	return n << 10
}
