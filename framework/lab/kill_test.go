package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/testplugins"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/tracking"
)

// This binary, started again with these in its environment, is a host.
const (
	roleVar    = "TUNELAB_TEST_LAB_ROLE"    // the run's parameters as JSON
	dirVar     = "TUNELAB_TEST_LAB_DIR"     // of the bench
	pluginsVar = "TUNELAB_TEST_LAB_PLUGINS" // of the test plugins
)

// acknowledging is a store that prints how many metrics it has acknowledged.
type acknowledging struct {
	tracking.Store
	n int
}

func (a *acknowledging) AppendMetrics(ctx context.Context, id string, ms []tracking.Metric) error {
	err := a.Store.AppendMetrics(ctx, id, ms)
	if err == nil {
		a.n += len(ms)
		fmt.Println("ack", a.n) // os.Stdout has no buffer: what is printed is in the pipe
	}
	return err
}

// beHost makes a run and prints "run ID", "ack N" and "end STATUS".
func beHost(params string) error {
	o := One{Method: testplugins.Counter, Model: filepath.Join(os.Getenv(dirVar), "model"), Task: filepath.Join(os.Getenv(dirVar), "echo.yaml"), Seed: 5}
	if err := json.Unmarshal([]byte(params), &o.Params); err != nil {
		return err
	}
	l, err := openIn(os.Getenv(dirVar), os.Getenv(pluginsVar), func(u run.Update) {
		switch {
		case u.Phase == "estimate":
			fmt.Println("run", u.RunID)
		case atStep(3)(u):
			fmt.Println("step 3")
		case u.Status != "":
			fmt.Println("end", u.Status)
		}
	})
	if err != nil {
		return err
	}
	store := &acknowledging{Store: l.Store}
	l.Store, l.runner.Store = store, store
	_, _ = l.RunOne(context.Background(), o) // the record says how it ended
	return l.Close()
}

// child is a host under way.
type child struct {
	cmd *exec.Cmd
	out *bufio.Reader
	run string
	ack int
	end string
}

func startHost(t *testing.T, dir string, params map[string]any) *child {
	t.Helper()
	raw, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(os.Args[0])}
	c.cmd.Env = append(os.Environ(), roleVar+"="+string(raw), dirVar+"="+dir, pluginsVar+"="+plugins)
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
			if _, err := fmt.Sscan(rest, &c.ack); err != nil {
				t.Fatal(err)
			}
		case "end":
			c.end = rest
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
	c := startHost(t, b.dir, map[string]any{"hold_at": 3})
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

// TestAcknowledgedMetricsSurvive kills the host, or the plugin, again and again
// in the middle of a flood, and counts: every metric that the store had
// acknowledged is there, and the run's state says what happened.
func TestAcknowledgedMetricsSurvive(t *testing.T) {
	rounds := 10
	if os.Getenv("TUNELAB_LONG") != "" {
		rounds = 60
	}
	b := newBench(t)
	rng := rand.New(rand.NewPCG(17, 4))
	acknowledged := map[string]int{}
	total := 0
	for round := range rounds {
		c := startHost(t, b.dir, map[string]any{"fault": "flood"})
		target := 1 + rng.IntN(20_000)
		c.read(t, func(string) bool { return c.ack >= target })
		if c.end != "" || c.run == "" {
			t.Fatalf("round %d: run %q ended %s before it was killed", round, c.run, c.end)
		}
		time.Sleep(time.Duration(rng.IntN(3000)) * time.Microsecond) // any moment of a commit, not the one after the print
		status := tracking.Lost
		if round%2 == 0 {
			if err := c.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		} else {
			status = tracking.Crashed
			killPlugin(t, b, c.run)
		}
		c.read(t, never)
		c.cmd.Wait()
		after := open(t, b.dir)
		after.ended(c.run, status)
		acknowledged[c.run] = c.ack
		total += c.ack
	}
	for id, n := range acknowledged {
		flood := 0
		ms := b.metrics(id)
		for _, m := range ms {
			if m.Name != "flood" {
				continue
			}
			if m.Step != int64(flood) || m.Value != float64(flood)/3 {
				t.Fatalf("run %s: metric %d of the flood is %+v", id, flood, m)
			}
			flood++
		}
		if len(ms) < n {
			t.Errorf("run %s: %d metrics are there of %d acknowledged", id, len(ms), n)
		}
	}
	if len(acknowledged) != rounds || total < rounds*100 {
		t.Errorf("only %d runs with %d acknowledged metrics", len(acknowledged), total)
	}
	t.Logf("%d kills, %d acknowledged metrics", rounds, total)
}

func killPlugin(t *testing.T, b *bench, id string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(b.Dir, "runs", id, "given", "pid.json"))
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if err := json.Unmarshal(raw, &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}
