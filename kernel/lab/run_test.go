package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/testplugins"
	"github.com/tunelab/tunelab/kernel/interrupt"
)

var plugins string // folder of the test plugins

func TestMain(m *testing.M) { os.Exit(testplugins.Main(m, &plugins)) }

// study is one of methods that need no model, on a task whose answers stand in its
// prompts.
func study(t *testing.T, methods ...any) *Plan {
	t.Helper()
	t.Setenv("TUNELAB_PLUGIN_DIR", plugins)
	t.Setenv("TUNELAB_LOCK", filepath.Join(t.TempDir(), "tunelab.lock"))
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, split := range []string{"train", "validation", "test"} {
		var b strings.Builder
		for i := range 20 {
			fmt.Fprintf(&b, "{\"word\":\"%sword%d\"}\n", split, i)
		}
		put(split+".jsonl", b.String())
	}
	put("echo.yaml", "name: echo\nkind: generation\nprompt: 'Say {word}'\nanswer: '{word}'\nmetric: exact_match\ndata: {train: train.jsonl, validation: validation.jsonl, test: test.jsonl}\n")
	return Study(State(t.TempDir()), Unlocked(), Tasks(filepath.Join(dir, "echo.yaml")), Test(20), Examples(10), Baselines(false), Methods(methods...))
}

func TestAStudyRuns(t *testing.T) {
	p := study(t, Method("counter").Set("skill", 1.0).As("good"), Method("counter").Set("skill", 0.0).As("bad"))
	res, err := p.Run()
	if err != nil {
		t.Fatal(err)
	}
	good, bad := res.Row("good", "echo"), res.Row("bad", "echo")
	if good.State != "finished" || good.Mean <= bad.Mean || good.Items != 20 || len(good.Runs) != 1 || res.Best("echo").Method != "good" {
		t.Errorf("%+v\n%+v", good, bad)
	}
	if page := res.HTML(); !strings.Contains(page, "good") || !strings.Contains(res.String(), "good") || !strings.Contains(res.Plot().SVG(), "good") {
		t.Error("the result does not show itself")
	}
	scores := res.SimpleRender()[Figures].(map[string]any)["scores"].(map[string]float64)
	if scores["good on echo, exact_match"] != good.Mean {
		t.Errorf("%v", scores)
	}
	c, err := res.Metric("good", "train/loss")
	if err != nil || len(c.Values) != 6 {
		t.Errorf("%+v %v", c, err)
	}
	if _, err := res.Metric("good", "no such"); err == nil || !strings.Contains(err.Error(), "train/loss") {
		t.Errorf("a metric that is not there: %v", err)
	}
	again, err := res.Replay("good")
	if err != nil || !again.Identical || again.Metrics == 0 || again.Run != good.Runs[0] {
		t.Errorf("%+v %v", again, err)
	}
	back, err := Open("notebook", State(p.dir))
	if err != nil || back.Row("good", "echo").Mean != good.Mean {
		t.Errorf("read back: %v", err)
	}
}

func TestAnInterruptLeavesACheckpoint(t *testing.T) {
	p := study(t, Method("counter").As("first"), Method("counter").Set("hold_at", 4).As("held"))
	go func() { // when the second has a checkpoint it waits to be stopped
		for range 600 {
			time.Sleep(50 * time.Millisecond)
			held, _ := filepath.Glob(filepath.Join(p.dir, "runs", "*", "checkpoints"))
			if len(held) == 2 {
				break
			}
		}
		time.Sleep(500 * time.Millisecond)
		interrupt.Take()
	}()
	res, err := p.Run()
	if !errors.Is(err, ErrStopped) || res == nil || !res.Stopped {
		t.Fatalf("%+v, %v", res, err)
	}
	if first := res.Row("first", "echo"); first.State != "finished" {
		t.Errorf("what had finished: %+v", first)
	}
	res, err = p.Run()
	if err != nil || res.Stopped {
		t.Fatal(err)
	}
	if held := res.Row("held", "echo"); held.State != "finished" || held.Mean != res.Row("first", "echo").Mean {
		t.Errorf("after it went on: %+v", held)
	}
}
