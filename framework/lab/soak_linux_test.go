package lab

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/testplugins"
	"github.com/tunelab/tunelab/tracking"
	"github.com/tunelab/tunelab/tracking/sqlite"
)

// What is done to a run under way, and when.
const (
	hostKilled    = "host SIGKILL"
	pluginKilled  = "plugin SIGKILL"
	bothKilled    = "both SIGKILL"
	hostStopped   = "host SIGSTOP"   // for longer than the lease
	pluginStopped = "plugin SIGSTOP" // for longer than the lease, and than a plugin may be silent
)

const (
	inHandshake = "handshake" // of any of the run's four processes: to describe, to validate, to train, to predict
	inRun       = "Run"
	inStop      = "Stop"
	inPredict   = "Predict"
)

var (
	blows  = []string{hostKilled, pluginKilled, bothKilled, hostStopped, pluginStopped}
	phases = []string{inHandshake, inRun, inStop, inPredict}
)

// soak is a series of runs that are struck, all in one state folder.
type soak struct {
	*testing.T
	dir   string // of the bench
	tmp   string // TMPDIR of the hosts and plugins
	rng   *rand.Rand
	whole map[string]string // uninterrupted run of each workload
	known map[string]bool   // runs of earlier rounds
	cells map[string]*cellCount
	woken int // hosts that were stopped with the record's write lock in hand
}

// cellCount is a row of the table.
type cellCount struct {
	rounds, unstruck, lingered int
	ends                       map[string]int
	acks                       map[string]int
}

// TestKills strikes hosts and plugins at random moments of each phase. After
// each blow no process, socket or temporary folder stays, the run is in a true
// end state once the record is opened again, everything that was acknowledged
// is there, and a run that can go on gives the numbers of one that was left
// alone. TUNELAB_LONG=1 makes 200 blows and draws a new seed, which
// TUNELAB_KILL_SEED sets.
func TestKills(t *testing.T) {
	rounds, seed := 10, uint64(17)
	if os.Getenv("TUNELAB_LONG") != "" {
		rounds, seed = 200, uint64(time.Now().UnixNano())
	}
	if text := os.Getenv("TUNELAB_KILL_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("TUNELAB_KILL_SEED: %v", err)
		}
	}
	t.Logf("repeat with TUNELAB_KILL_SEED=%d", seed)
	s := newSoak(t, seed)
	start := time.Now()
	for i := range rounds {
		blow := i % len(blows)
		s.round(i, blows[blow], phases[(i+i/len(blows)*2)%len(phases)]) // 20 rounds meet every pair
	}
	s.finish()
	unstruck := 0
	for _, c := range s.cells {
		unstruck += c.unstruck
	}
	if unstruck > rounds/2 {
		t.Errorf("%d of %d runs ended before they were struck", unstruck, rounds)
	}
	t.Logf("%d blows in %.0f s\n%s", rounds, time.Since(start).Seconds(), s.table())
}

func newSoak(t *testing.T, seed uint64) *soak {
	s := &soak{T: t, rng: rand.New(rand.NewPCG(seed, 4)), whole: map[string]string{}, known: map[string]bool{}, cells: map[string]*cellCount{}}
	b := newBench(t)
	s.dir = b.dir
	for _, w := range []string{"flood", "linger"} {
		s.whole[w] = b.run(workload(w))
		s.known[s.whole[w]] = true
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.tmp, err = os.MkdirTemp("/tmp", "k"); err != nil { // short, for the sockets in it
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(s.tmp) })
	t.Setenv("TMPDIR", s.tmp)
	return s
}

// workload gives the parameters of a run that sends many metrics, or of one that
// saves often and dawdles.
func workload(name string) map[string]any {
	if name == "flood" {
		return map[string]any{"fault": "flood", "events": 30_000}
	}
	return map[string]any{"fault": "linger", "steps": 300, "every": 20}
}

// role is what the host of a round does, and which workload that is; "" when its
// run is too short to be compared.
func (s *soak) role(blow, phase string) (r role, work string) {
	r = role{Dir: s.dir}
	switch phase {
	case inHandshake:
		r.Method = testplugins.Slow
	case inRun:
		work = []string{"flood", "linger"}[s.rng.IntN(2)]
		r.Params = workload(work)
	case inStop:
		work = "linger"
		r.Params, r.StopAt = workload(work), 1+s.rng.Int64N(20)
	case inPredict:
		r.Params = map[string]any{"fault": "linger"}
	}
	switch blow {
	case hostStopped:
		r.LeaseTTL = shortLease
	case pluginStopped:
		r.LeaseTTL, r.HungAfter = shortLease, 250*time.Millisecond
	}
	return r, work
}

// shortLease is the lease of hosts that are stopped for longer.
const shortLease = 300 * time.Millisecond

// finish checks the whole record.
func (s *soak) finish() {
	b := open(s.T, s.dir)
	defer b.Close()
	if err := b.Store.(*sqlite.Store).Check(s.Context()); err != nil {
		s.Error(err)
	}
	if err := b.Artifacts.Check(s.Context()); err != nil {
		s.Error(err)
	}
	for _, r := range b.rows(tracking.RunFilter{}) {
		if !r.Status.Ended() || r.Reason == "" && r.Status != tracking.Finished {
			s.Errorf("run %s is %s for the reason %q", r.ID, r.Status, r.Reason)
		}
	}
}

func (s *soak) table() string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "blow\tphase\trounds\tends\tended first\tlingered\tacknowledged")
	total := cellCount{ends: map[string]int{}, acks: map[string]int{}}
	for _, blow := range blows {
		for _, phase := range phases {
			c := s.cells[blow+phase]
			if c == nil {
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%d\t%d\t%s\n", blow, phase, c.rounds, counts(c.ends), c.unstruck, c.lingered, counts(c.acks))
			total.rounds, total.unstruck, total.lingered = total.rounds+c.rounds, total.unstruck+c.unstruck, total.lingered+c.lingered
			for k, n := range c.ends {
				total.ends[k] += n
			}
			for k, n := range c.acks {
				total.acks[k] += n
			}
		}
	}
	fmt.Fprintf(w, "all\t\t%d\t%s\t%d\t%d\t%s\n", total.rounds, counts(total.ends), total.unstruck, total.lingered, counts(total.acks))
	w.Flush()
	return out.String() + "ended first: the run had come to its own end before the blow; lingered: processes that only the next Open ended\n" +
		fmt.Sprintf("%d of the hosts that were stopped held the record's write lock and were woken before anyone could declare their run lost\n", s.woken)
}

func counts(m map[string]int) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(out, ", ")
}
