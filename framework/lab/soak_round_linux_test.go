package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"syscall"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/testplugins"
	"github.com/tunelab/tunelab/tracking"
	"github.com/tunelab/tunelab/tracking/sqlite"
)

// round makes a run, strikes it in a phase, and checks what is left.
func (s *soak) round(i int, blow, phase string) {
	key := blow + phase
	if s.cells[key] == nil {
		s.cells[key] = &cellCount{ends: map[string]int{}, acks: map[string]int{}}
	}
	count := s.cells[key]
	count.rounds++
	what := fmt.Sprintf("round %d, %s in %s", i, blow, phase)
	fail := func(format string, args ...any) {
		s.Helper()
		s.Errorf(what+": "+format, args...)
	}
	r, work := s.role(blow, phase)
	c := startHost(s.T, r)
	late := time.AfterFunc(testplugins.Deadline, func() { c.cmd.Process.Kill() })
	plugin, begun := s.await(c, phase, work)
	before := s.strike(c, blow, plugin)
	c.read(s.T, never)
	if !late.Stop() {
		fail("the host did not end within %v", testplugins.Deadline)
	}
	c.cmd.Wait()
	for kind, n := range c.acks {
		count.acks[kind] += n
	}

	id, raw := s.newRun()
	defer func() { s.known[id] = true }()
	if blow != bothKilled { // whose plugin's children nobody is left to end
		s.deadWithin(2*time.Second, fail)
	} else if left := carrying(s.tmp); len(left) > 0 {
		count.lingered += len(left)
	}
	b := open(s.T, s.dir)
	defer b.Close()
	s.deadWithin(2*time.Second, fail)
	if left, err := os.ReadDir(s.tmp); err != nil || len(left) > 0 {
		fail("left in the temporary folder: %v %v", left, err)
	}
	if id == "" { // struck before there was a row
		count.ends["no row"]++
		if begun || c.run != "" || c.end != "" {
			fail("run %q, which ended %q, has no row", c.run, c.end)
		}
		return
	}
	row := b.row(id)
	count.ends[string(row.Status)]++
	if row.Status == natural(phase) {
		count.unstruck++
	}
	if c.run != "" && c.run != id {
		fail("the host made run %s and the record has %s", c.run, id)
	}
	if why := untrue(blow, phase, raw, row); why != "" {
		fail("run %s is %s (%s), %s", id, row.Status, row.Reason, why)
	}
	if c.end != "" && c.end != string(row.Status) {
		fail("the host said that run %s ended %s, the record says %s", id, c.end, row.Status)
	}
	if before != nil && !reflect.DeepEqual(*before, s.holdings(b.Store, id)) {
		fail("the host wrote on after run %s was declared lost: it had %v, and now %v", id, *before, s.holdings(b.Store, id))
	}
	s.acknowledged(b, id, c, work, fail)
	if phase == inRun && work == "linger" && row.Status != tracking.Finished {
		again, err := b.Resume(s.Context(), id)
		if err != nil {
			fail("resume run %s: %v", id, err)
			return
		}
		s.known[again] = true
		b.same(s.whole[work], again)
	}
}

// await waits until the run is in the phase, and then for a random moment of it,
// and gives the process of the plugin that works on it, and whether the run must
// have a row by then.
func (s *soak) await(c *child, phase, work string) (plugin int, begun bool) {
	moment := func(most time.Duration) { time.Sleep(time.Duration(s.rng.Int64N(int64(most)))) }
	poll := func(ready func() bool) {
		for end := time.Now().Add(testplugins.Deadline); !ready(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				s.Fatalf("the run did not come to its phase %s", phase)
			}
		}
	}
	switch phase {
	case inHandshake:
		var seen []int
		nth := 1 + s.rng.IntN(4)
		poll(func() bool {
			if pid := pluginOf(c.cmd.Process.Pid); pid != 0 && !slices.Contains(seen, pid) {
				seen = append(seen, pid)
			}
			return len(seen) == nth
		})
		moment(140 * time.Millisecond)
		return seen[nth-1], nth > 2 // the first two describe and validate
	case inRun:
		target := 1 + s.rng.IntN(300)
		if work == "flood" {
			target *= 50
		}
		c.read(s.T, func(string) bool { return c.acks["metrics"] >= target })
		moment(3 * time.Millisecond) // any moment of a commit, not the one after the print
	case inStop:
		c.read(s.T, func(line string) bool { return line == "stopping" })
		moment(200 * time.Millisecond)
	case inPredict:
		poll(func() bool {
			asked, _ := filepath.Glob(filepath.Join(s.tmp, "tunelab-ask-*", "work"))
			return len(asked) > 0
		})
		moment(150 * time.Millisecond)
	}
	return pluginOf(c.cmd.Process.Pid), true
}

// strike does to host and plugin what blow says. When it let another process
// declare the run lost while its host was stopped, it gives what the run held
// then.
func (s *soak) strike(c *child, blow string, plugin int) *holdings {
	host := c.cmd.Process.Pid
	send := func(pid int, sig syscall.Signal) {
		if pid > 0 {
			_ = syscall.Kill(pid, sig) // it may have ended by itself
		}
	}
	switch blow {
	case hostKilled:
		send(host, syscall.SIGKILL)
	case pluginKilled:
		send(plugin, syscall.SIGKILL)
	case bothKilled:
		pair := []int{host, plugin}
		s.rng.Shuffle(2, func(i, j int) { pair[i], pair[j] = pair[j], pair[i] })
		send(pair[0], syscall.SIGKILL)
		send(pair[1], syscall.SIGKILL)
	case hostStopped:
		send(host, syscall.SIGSTOP)
		defer send(host, syscall.SIGCONT)
		time.Sleep(shortLease + shortLease/2)
		return s.declareLost(func() { send(host, syscall.SIGCONT) })
	case pluginStopped:
		send(plugin, syscall.SIGSTOP)
		time.AfterFunc(time.Second, func() { send(plugin, syscall.SIGCONT) })
	}
	return nil
}

// declareLost opens the record as another process would, and gives what the run
// that it found lost holds; nil when there is none. A host that was stopped in
// the middle of a commit holds the write lock: it is woken.
func (s *soak) declareLost(wake func()) *holdings {
	waiting := time.AfterFunc(time.Second, wake)
	b := open(s.T, s.dir)
	defer b.Close()
	id, raw := s.newRun()
	if !waiting.Stop() {
		s.woken++
		return nil
	}
	if id == "" || raw.Status != tracking.Lost {
		return nil
	}
	h := s.holdings(b.Store, id)
	return &h
}

// newRun gives the run that this round made, as it stands in the record, without
// reaping; "" when there is none.
func (s *soak) newRun() (id string, raw tracking.Run) {
	s.Helper()
	store, err := sqlite.Open(s.Context(), filepath.Join(s.dir, "state", "tunelab.db"), sqlite.Options{MustExist: true})
	if err != nil {
		s.Fatal(err)
	}
	defer store.Close()
	rows, err := store.ListRuns(s.Context(), tracking.RunFilter{Limit: 4})
	if err != nil {
		s.Fatal(err)
	}
	for _, r := range rows {
		if !s.known[r.ID] {
			return r.ID, r
		}
	}
	return "", raw
}
