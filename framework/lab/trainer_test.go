package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/tunelab/tunelab/framework/base"
	"github.com/tunelab/tunelab/framework/data"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/plugin/trust"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
)

// trainerVar in the environment makes this binary a trainer.
const trainerVar = "TUNELAB_TEST_LAB_TRAINER"

// lora is the method of plugins/lora, but for the merging.
type lora struct{}

func (lora) Describe() spec.Method { return spec.Method{Name: "lora"} }

func (lora) Schema() spec.Schema { return tune.LoRASchema() }

func (lora) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	c, err := tune.LoRAConfig(r.Params)
	if err != nil {
		return nil, err
	}
	return tune.AttachLoRA(m, c, r.RNG)
}

func (lora) Restore(m *model.Model, _ spec.Params, dir string) (*model.Model, error) {
	_, err := peft.Load(m, dir)
	return m, err
}

// trainer trains and answers the test items, in this process or through a host
// and a plugin.
type trainer struct {
	Dir    string // state folder, or the run's folder
	Plugin string // binary; "": in this process
	Steps  int
}

const trainerTask = "sentiment"

func (t trainer) params() map[string]any {
	return map[string]any{"max_steps": t.Steps, "epochs": 1000, "eval_every": (t.Steps + 2) / 3} // as in the three epochs of the defaults
}

// beTrainer prints "loss V host S", the last training loss and the CPU seconds of
// this process.
func beTrainer(text string) error {
	var t trainer
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return err
	}
	if t.Plugin == "" {
		return t.alone()
	}
	last := 0.0
	l, err := Open(t.Dir, Options{Unlocked: true, Lock: filepath.Join(t.Dir, "tunelab.lock"), Watch: func(u run.Update) {
		if u.Metric == "train/loss" {
			last = u.Value
		}
	}})
	if err != nil {
		return err
	}
	defer l.Close()
	if _, err := l.RunOne(context.Background(), One{Method: "lora", Plugin: t.Plugin, Model: base.Name, Task: trainerTask, Seed: 3, Params: t.params(), Compute: oneThread()}); err != nil {
		return err
	}
	return sayLoss(last)
}

func sayLoss(loss float64) error {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return err
	}
	fmt.Printf("loss %g host %g\n", loss, float64(u.Utime.Nano()+u.Stime.Nano())/1e9)
	return nil
}

func oneThread() spec.Compute { return spec.Compute{Engine: "cpu", Threads: 1} }

// alone does what a run does for its result: it prepares the data, trains, and
// answers the test items and the held-out text, without a host, a record or
// another process.
func (t trainer) alone() error {
	ctx := context.Background()
	m := tune.Method(lora{})
	dir, err := base.Unpack(filepath.Join(t.Dir, "models"))
	if err != nil {
		return err
	}
	task, err := Task(trainerTask)
	if err != nil {
		return err
	}
	params, ds := m.Schema().Resolve("params", t.params())
	if err := ds.Err(); err != nil {
		return err
	}
	in := &sdk.Input{RunID: "alone", Params: params, ModelDir: dir, WorkDir: t.Dir, CacheDir: filepath.Join(t.Dir, "cache"),
		Train: filepath.Join(t.Dir, "train.jsonl"), Validation: filepath.Join(t.Dir, "validation.jsonl"),
		Spec: spec.Run{Task: task.Task, Method: "lora", Params: params, Seed: 3, Compute: oneThread()}}
	for path, examples := range map[string][]spec.Example{in.Train: task.Train, in.Validation: task.Validation} {
		if _, _, err := data.WriteExamples(path, examples); err != nil {
			return err
		}
	}
	last := 0.0
	_, err = sdk.RunLocal(ctx, m, in, sdk.Events{Metric: func(name string, _ int64, v float64) {
		if name == "train/loss" {
			last = v
		}
	}})
	if err != nil {
		return err
	}
	in.Artifacts = filepath.Join(t.Dir, "artifacts")
	p, err := m.Predictor(ctx, in)
	if err != nil {
		return err
	}
	defer p.Close()
	var items []spec.Item
	for _, q := range task.Test {
		items = append(items, q.Item)
	}
	held, err := base.HeldOut(dir)
	if err != nil {
		return err
	}
	for mode, items := range map[string][]spec.Item{spec.ModeLabels: items, spec.ModeLogprobs: held} {
		if err := p.Predict(ctx, mode, items, func(spec.Prediction) error { return nil }); err != nil {
			return err
		}
	}
	return sayLoss(last)
}

// buildLoRA builds plugins/lora, as it is shipped.
func buildLoRA(b *testing.B) (path string) {
	b.Helper()
	path = filepath.Join(b.TempDir(), trust.Prefix+"lora")
	if out, err := exec.Command("go", "build", "-o", path, "github.com/tunelab/tunelab/plugins/lora").CombinedOutput(); err != nil {
		b.Fatalf("build the plugin: %v\n%s", err, out)
	}
	return path
}
