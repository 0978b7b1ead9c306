package lab

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/living"
	"github.com/tunelab/tunelab/framework/plugin/testplugins"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/tracking"
)

// This binary, started again with a role in its environment, is a host.
const roleVar = "TUNELAB_TEST_LAB_ROLE"

// role is what such a host does.
type role struct {
	Dir       string // of the bench
	Plugins   string // folder of the test plugins
	Method    string // default: the counter
	Params    map[string]any
	StopAt    int64 // step at which the run is asked to stop; 0: none
	LeaseTTL  time.Duration
	HungAfter time.Duration
}

// acknowledging is a store that prints what it has acknowledged: how many
// metrics, events, predictions and scores, and the step of each checkpoint.
type acknowledging struct{ tracking.Store }

// say prints to os.Stdout, which has no buffer: what is printed is in the pipe.
func say(err error, words ...any) error {
	if err == nil {
		fmt.Println(append([]any{"ack"}, words...)...)
	}
	return err
}

func (a acknowledging) AppendMetrics(ctx context.Context, id string, ms []tracking.Metric) error {
	return say(a.Store.AppendMetrics(ctx, id, ms), "metrics", len(ms))
}

func (a acknowledging) AppendEvents(ctx context.Context, id string, es []tracking.Event) error {
	err := say(a.Store.AppendEvents(ctx, id, es), "events", len(es))
	for _, e := range es {
		var at struct{ Step int }
		if e.Kind == "checkpoint" && err == nil && json.Unmarshal(e.Data, &at) == nil {
			fmt.Println("checkpoint", at.Step)
		}
	}
	return err
}

func (a acknowledging) PutPredictions(ctx context.Context, id string, ps []tracking.Prediction) error {
	return say(a.Store.PutPredictions(ctx, id, ps), "predictions", len(ps))
}

func (a acknowledging) PutScores(ctx context.Context, id string, ss []tracking.Score) error {
	return say(a.Store.PutScores(ctx, id, ss), "scores", len(ss))
}

// beHost makes a run and prints "run ID", "step N", "stopping", "end STATUS" and
// what is acknowledged.
func beHost(text string) error {
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return err
	}
	o := One{Method: cmp.Or(r.Method, testplugins.Counter), Model: filepath.Join(r.Dir, "model"), Task: filepath.Join(r.Dir, "echo.yaml"), Seed: 5, Params: r.Params}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	l, err := openIn(r.Dir, r.Plugins, func(u run.Update) {
		switch {
		case u.Phase == "estimate":
			fmt.Println("run", u.RunID)
		case strings.HasPrefix(u.Phase, "stopping"):
			fmt.Println("stopping")
		case u.Metric == "train/loss":
			fmt.Println("step", u.Step)
			if u.Step == r.StopAt {
				stop()
			}
		case u.Status != "":
			fmt.Println("end", u.Status)
		}
	})
	if err != nil {
		return err
	}
	store := acknowledging{l.Store}
	l.Store, l.runner.Store, l.runner.LeaseTTL, l.runner.HungAfter = store, store, r.LeaseTTL, r.HungAfter
	if id, err := l.RunOne(ctx, o); id == "" {
		fmt.Println("refused", strings.ReplaceAll(err.Error(), "\n", " "))
	} // else the record says how it ended
	return l.Close()
}

// child is a host under way.
type child struct {
	cmd     *exec.Cmd
	out     *bufio.Reader
	run     string
	acks    map[string]int // by kind
	saved   int            // step of the last checkpoint
	end     string         // status
	refused string         // why no run was made
}

func startHost(t *testing.T, r role) *child {
	t.Helper()
	r.Plugins = plugins
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(os.Args[0]), acks: map[string]int{}}
	c.cmd.Env = append(os.Environ(), roleVar+"="+string(raw))
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.cmd.Process.Kill() })
	return c
}

// read reads what the host says until a line is as wanted, or to the end.
func (c *child) read(t *testing.T, until func(line string) bool) {
	t.Helper()
	for {
		line, err := c.out.ReadString('\n')
		if err != nil { // the pipe ended; a line without its end was not printed whole
			return
		}
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "run":
			c.run = rest
		case "ack":
			var kind string
			var n int
			if _, err := fmt.Sscan(rest, &kind, &n); err != nil {
				t.Fatal(err)
			}
			c.acks[kind] += n
		case "checkpoint":
			if _, err := fmt.Sscan(rest, &c.saved); err != nil {
				t.Fatal(err)
			}
		case "end":
			c.end = rest
		case "refused":
			c.refused = rest
		case "error":
			t.Fatalf("the host says: %s", rest)
		}
		if until(line) {
			return
		}
	}
}

func never(string) bool { return false }

func TestRunOfAKilledHostIsLost(t *testing.T) {
	b := newBench(t)
	whole := b.run(nil)
	c := startHost(t, role{Dir: b.dir, Params: map[string]any{"hold_at": 3}})
	c.read(t, func(line string) bool { return line == "step 3" })
	other := open(t, b.dir) // a second process of the same folder leaves the live run alone
	if r := other.row(c.run); r.Status != tracking.Running {
		t.Fatalf("while its host lives the run is %s: %s", r.Status, r.Reason)
	}
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.cmd.Wait()
	b = open(t, b.dir)
	b.ended(c.run, tracking.Lost, "its host ended without ending the run")
	again, err := b.Resume(t.Context(), c.run)
	if err != nil {
		t.Fatal(err)
	}
	b.same(whole, again)
}

// A host may be killed before it has written the row of its run, and before it
// has taken the lease.
func TestRunsThatNeverBegan(t *testing.T) {
	b := newBench(t)
	exp, err := b.Store.CreateExperiment(t.Context(), "e")
	if err != nil {
		t.Fatal(err)
	}
	mark := func(id string, alive bool) (folder string) {
		t.Helper()
		folder = filepath.Join(b.Dir, "runs", id)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		m, err := living.Mark(filepath.Join(folder, "host"))
		if err != nil {
			t.Fatal(err)
		}
		if !alive {
			m.Release()
		}
		t.Cleanup(m.Release)
		return folder
	}
	var rows [2]string // of a dead host and of a live one
	for i := range rows {
		r, err := b.Store.CreateRun(t.Context(), tracking.NewRun{Run: tracking.Run{Experiment: exp.ID, Method: "m"}})
		if err != nil {
			t.Fatal(err)
		}
		rows[i] = r.ID
		mark(r.ID, i == 1)
	}
	dead, live := mark("without-a-row", false), mark("about-to-get-one", true)
	b = open(t, b.dir)
	b.ended(rows[0], tracking.Lost, "before it took the run up")
	if r := b.row(rows[1]); r.Status != tracking.Pending {
		t.Errorf("the run of a live host is %s (%s)", r.Status, r.Reason)
	}
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of a run that never began is there: %v", err)
	}
	for _, folder := range []string{live, filepath.Join(b.Dir, "runs", rows[0]), filepath.Join(b.Dir, "runs", rows[1])} {
		if _, err := os.Stat(folder); err != nil {
			t.Error(err)
		}
	}
}
