package host

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Its processes are looked for among all of the machine's no more often than
// this, more often where a bound is set, and so that it takes a hundredth of one
// core's time at most.
const (
	scanEvery   = time.Second
	scanBounded = 300 * time.Millisecond
	scanRarely  = 2 * time.Second
	scanShare   = 100
)

// meter reads what the processes of a process group use (proc(5)): those that a
// plugin starts belong to its group.
type meter struct {
	mu      sync.Mutex
	members []int     // when they were last looked for
	again   time.Time // when they will be
}

// read gives the memory, in bytes, and the CPU seconds of the processes that are
// alive, and of those that they waited for. Memory that processes share counts
// once, which takes time to find out: 0 stands for a group of several that was
// not asked now, unless it may be above most (0: no bound).
func (m *meter) read(group int, most int64) (memory int64, cpu float64) {
	if group == 0 {
		return 0, 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	start := time.Now()
	look := start.After(m.again)
	if look {
		m.members = groupMembers(group)
		every := scanEvery
		if most > 0 {
			every = scanBounded
		}
		defer func() {
			m.again = time.Now().Add(min(max(every, scanShare*time.Since(start)), scanRarely))
		}()
	}
	var alive []int
	resident := map[int]int64{}
	for _, pid := range m.members {
		p, ok := readStat(pid)
		if !ok || p.group != group {
			continue
		}
		alive = append(alive, pid)
		resident[pid] = p.resident
		memory += p.resident
		cpu += p.cpu
	}
	if len(alive) > 1 {
		if !look && (most == 0 || memory <= most) {
			return 0, cpu
		}
		memory = 0
		for _, pid := range alive {
			memory += proportional(pid, resident[pid])
		}
	}
	return memory, cpu
}

func groupMembers(group int) (out []int) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if p, ok := readStat(pid); ok && p.group == group {
				out = append(out, pid)
			}
		}
	}
	return out
}

type stat struct {
	group    int
	resident int64
	cpu      float64 // seconds, with the children that it waited for
}

func readStat(pid int) (s stat, ok bool) {
	// Many are read, so the calls are the three that there must be.
	fd, err := syscall.Open("/proc/"+strconv.Itoa(pid)+"/stat", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return s, false
	}
	var line [1024]byte
	n, err := syscall.Read(fd, line[:])
	_ = syscall.Close(fd)
	if err != nil {
		return s, false
	}
	raw := line[:max(n, 0)]
	// The name before it, in brackets, may hold anything. From the state on, f[0],
	// follow the group at 2, utime, stime, cutime, cstime at 11, rss at 21.
	f := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(f) < 22 {
		return s, false
	}
	s.group, _ = strconv.Atoi(f[2])
	for _, ticks := range f[11:15] {
		t, _ := strconv.ParseFloat(ticks, 64)
		s.cpu += t / 100 // USER_HZ
	}
	pages, _ := strconv.ParseInt(f[21], 10, 64)
	s.resident = pages * int64(os.Getpagesize())
	return s, true
}

// proportional is the memory of a process in which a page that n processes share
// counts as the n-th of one; its resident memory where the system does not say.
func proportional(pid int, resident int64) int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return resident
	}
	for line := range strings.Lines(string(raw)) {
		if kib, ok := strings.CutPrefix(line, "Pss:"); ok {
			if n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kib), "kB")), 10, 64); err == nil {
				return n << 10
			}
		}
	}
	return resident
}
