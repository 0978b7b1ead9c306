package sqlite_test

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tunelab/tunelab/tracking"
	"github.com/tunelab/tunelab/tracking/sqlite"
)

// TestKill9 kills a writing process again and again on one file, and counts:
// every metric that was acknowledged is there with its bits, in this round and
// at the end, and the file is sound.
func TestKill9(t *testing.T) {
	const rounds = 30
	file := filepath.Join(t.TempDir(), "record.db")
	rng := rand.New(rand.NewPCG(9, 9))
	acknowledged := map[string]map[int64]uint64{} // run, seq, bits
	total := 0
	for range rounds {
		run, acks := killed(t, file, 1+rng.IntN(150), time.Duration(rng.IntN(2000))*time.Microsecond)
		acknowledged[run] = acks
		total += len(acks)
		s := open(t, file, sqlite.Options{})
		compare(t, s, run, acks)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, file, sqlite.Options{})
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	for run, acks := range acknowledged {
		compare(t, s, run, acks)
	}
	if len(acknowledged) != rounds || total < rounds {
		t.Errorf("only %d runs with %d acknowledged metrics", len(acknowledged), total)
	}
	t.Logf("%d kills, %d acknowledged metrics", rounds, total)
}

// killed starts a writer, kills it a moment after its nth acknowledgement, and
// returns its run and all that it had acknowledged.
func killed(t *testing.T, file string, n int, moment time.Duration) (run string, acks map[int64]uint64) {
	t.Helper()
	cmd := child("append", file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acks = map[int64]uint64{}
	for r := bufio.NewReader(out); ; {
		line, err := r.ReadString('\n')
		if err != nil { // the pipe ended; a line without its end was not printed whole
			break
		}
		if id, ok := strings.CutPrefix(line, "run "); ok {
			run = strings.TrimSpace(id)
			continue
		}
		var seq int64
		var bits uint64
		if _, err := fmt.Sscan(line, &seq, &bits); err != nil {
			t.Fatalf("the writer printed %q: %v", line, err)
		}
		acks[seq] = bits
		if len(acks) == n {
			time.Sleep(moment)
			cmd.Process.Kill() // SIGKILL; then read on what it printed before
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the writer ended by itself: %v", err)
	}
	return run, acks
}

func compare(t *testing.T, s *sqlite.Store, run string, acks map[int64]uint64) {
	t.Helper()
	ms, err := s.Metrics(t.Context(), run, tracking.MetricFilter{})
	if err != nil {
		t.Fatal(err)
	}
	there := map[int64]uint64{}
	for i, m := range ms {
		if m.Seq != int64(i)+1 {
			t.Fatalf("run %s: metric %d has number %d", run, i, m.Seq)
		}
		there[m.Seq] = math.Float64bits(m.Value)
	}
	lost := 0
	for seq, want := range acks {
		if got, ok := there[seq]; !ok || got != want {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("run %s: %d of %d acknowledged metrics lost or changed", run, lost, len(acks))
	}
}

// TestKill9WhileOpening kills processes while they make the file: the next one
// opens it all the same.
func TestKill9WhileOpening(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 10 {
		file := filepath.Join(t.TempDir(), "record.db")
		cmd := child("share", file)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil { // its input is empty: it goes on at once
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rng.IntN(8000)) * time.Microsecond)
		cmd.Process.Kill()
		cmd.Wait()
		s := open(t, file, sqlite.Options{})
		if err := s.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := s.CreateExperiment(t.Context(), "after"); err != nil {
			t.Error(err)
		}
	}
}

// TestProcessesStartTogether lets processes open the same fresh file at the
// same moment, and write to it.
func TestProcessesStartTogether(t *testing.T) {
	const files, processes = 6, 4
	for range files {
		file := filepath.Join(t.TempDir(), "record.db")
		var wait, start []func() error
		for range processes {
			cmd := child("share", file)
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
				t.Fatalf("process said %q, %v", line, err)
			}
			start, wait = append(start, in.Close), append(wait, cmd.Wait)
		}
		for _, f := range append(start, wait...) {
			if err := f(); err != nil {
				t.Error(err)
			}
		}
		s := open(t, file, sqlite.Options{MustExist: true})
		if err := s.Check(t.Context()); err != nil {
			t.Error(err)
		}
		es, err := s.ListExperiments(t.Context())
		if err != nil || len(es) != 1 {
			t.Errorf("%d experiments, %v", len(es), err)
		}
		runs, err := s.ListRuns(t.Context(), tracking.RunFilter{})
		if err != nil || len(runs) != processes {
			t.Errorf("%d runs, %v", len(runs), err)
		}
		for _, r := range runs {
			ms, err := s.Metrics(t.Context(), r.ID, tracking.MetricFilter{})
			if err != nil || len(ms) != sharedMetrics {
				t.Errorf("run %s: %d metrics, %v", r.ID, len(ms), err)
			}
		}
	}
}
