package tunetest

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/optim"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
)

// Parity compares an adapter with another implementation, such as Python PEFT.
// The folder dir holds what that one wrote: an adapter in PEFT's form on the
// model in the folder base, and expected.json with
//
//	seqs    token sequences
//	logits  with the adapter, of each sequence, row-major [len,V]
//	losses  the mean next-token loss of all sequences before each of the steps
//	        of AdamW (rate lr, no weight decay) that start from the adapter
//
// restore puts the adapter on the model. Logits must agree within 1e-5 of the
// largest, or of 1; losses within 1e-4. Saved again the adapter must have the
// same tensors to the bit, and no field of its configuration may say another
// thing, but for how modules are named.
func Parity(t *testing.T, base, dir string, restore func(*model.Model, string) (tune.Attached, error)) {
	t.Helper()
	var x struct {
		Seqs       [][]int
		Logits     [][]float32
		LR         float64
		Losses     []float64
		batch      model.Batch
		rows, next []int32
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &x)
	for _, s := range x.Seqs {
		for i := 1; i < len(s); i++ {
			x.rows, x.next = append(x.rows, int32(len(x.batch.IDs)+i-1)), append(x.next, int32(s[i]))
		}
		one := model.Pack(s)
		x.batch.IDs, x.batch.SeqLens = append(x.batch.IDs, one.IDs...), append(x.batch.SeqLens, len(s))
	}
	e, err := compute.Open("cpu", 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Load(base, e, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := restore(m, dir)
	if err != nil {
		t.Fatal(err)
	}
	sameFolder(t, dir, a)

	tape := autograd.NewTape(e, false)
	got, want := m.Logits(tape, m.Hidden(tape, x.batch)).Value(), slices.Concat(x.Logits...)
	tape.Release()
	if len(got) != len(want) {
		t.Fatalf("%d logits, expected %d", len(got), len(want))
	}
	scale, worst := 1.0, 0.0
	for i := range want {
		scale = math.Max(scale, math.Abs(float64(want[i])))
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= worst) {
			worst = d
		}
	}
	if !(worst <= 1e-5*scale) {
		t.Errorf("logits differ by %.3g, the largest is %.3g", worst, scale)
	}
	opt := optim.NewAdamW(a.Params(), optim.Config{})
	for step, want := range x.Losses {
		tape := autograd.NewTape(e, true)
		l := tape.CrossEntropy(m.Logits(tape, tape.Rows(m.Hidden(tape, x.batch), x.rows)), x.next, nil)
		if got := float64(l.Scalar()); !(math.Abs(got-want) <= 1e-4) {
			t.Errorf("the loss before step %d is %.6f, expected %.6f", step+1, got, want)
		}
		tape.Backward(l)
		tape.Release()
		if err := opt.Step(x.LR, 1); err != nil {
			t.Fatal(err)
		}
		optim.ZeroGrad(a.Params())
	}
	if len(x.Losses) < 10 || !(x.Losses[9] < x.Losses[0]) {
		t.Errorf("%d reference losses, expected ten that fall", len(x.Losses))
	}
}

// sameFolder saves the adapter and compares with the folder it was read from.
func sameFolder(t *testing.T, dir string, a tune.Attached) {
	t.Helper()
	out := t.TempDir()
	if err := a.Save(out); err != nil {
		t.Fatal(err)
	}
	tensors := func(dir string) map[string]checkpoint.Tensor {
		list, err := checkpoint.ReadSafetensors(filepath.Join(dir, peft.WeightsFile))
		if err != nil {
			t.Fatal(err)
		}
		by := map[string]checkpoint.Tensor{}
		for _, x := range list {
			by[x.Name] = x
		}
		return by
	}
	if got, want := tensors(out), tensors(dir); !reflect.DeepEqual(got, want) {
		t.Error("saved again, the adapter has other tensors")
	}
	var got, want map[string]any
	readJSON(t, filepath.Join(out, peft.ConfigFile), &got)
	readJSON(t, filepath.Join(dir, peft.ConfigFile), &want)
	for name, v := range got {
		w, ok := want[name]
		switch {
		case !ok:
			t.Errorf("saved again, the configuration has a field %s of its own", name)
		case name == "target_modules" || name == "feedforward_modules" || name == "base_model_name_or_path":
		case !reflect.DeepEqual(v, w):
			t.Errorf("saved again, the configuration says %s: %v, expected %v", name, v, w)
		}
	}
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
