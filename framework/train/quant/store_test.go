package quant

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/compute/cpu"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// The folders of testdata were saved by transformers with bitsandbytes
// (testdata/make_models.py): one with nested scales, one without, in a family
// whose float weights are stored transposed.
var stored4 = map[string]string{"llama-nf4": "llama", "gpt2-nf4": "gpt2"}

func openModel(t *testing.T, dir string) (*model.Model, error) {
	t.Helper()
	e, err := compute.Open("cpu", 1)
	if err != nil {
		t.Fatal(err)
	}
	return model.Load(dir, e, model.Options{})
}

func mustOpen(t *testing.T, dir string) *model.Model {
	t.Helper()
	m, err := openModel(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func base(t *testing.T, name string) *model.Model {
	t.Helper()
	return mustOpen(t, filepath.Join("../../llm/model/testdata", stored4[name]))
}

func score(m *model.Model, seqs [][]int) []float32 {
	tape := autograd.NewTape(m.Engine(), false)
	defer tape.Release()
	return m.Logits(tape, m.Hidden(tape, model.Pack(seqs...))).Value()
}

// Logits are near 5; the tolerance is 1e-4.
func TestLoadsWhatTransformersSaved(t *testing.T) {
	for name := range stored4 {
		m := mustOpen(t, filepath.Join("testdata", name))
		if n := m.Engine().(*cpu.Engine).InUse(); n != 0 {
			t.Errorf("%s: %d bytes in use before the first use", name, n)
		}
		var x struct {
			Seqs   [][]int
			Logits []float32
		}
		raw, err := os.ReadFile(filepath.Join("testdata", name, "expected.json"))
		if err == nil {
			err = json.Unmarshal(raw, &x)
		}
		if err != nil {
			t.Fatal(err)
		}
		got, worst := score(m, x.Seqs), 0.0
		for i := range x.Logits {
			worst = max(worst, math.Abs(float64(got[i]-x.Logits[i])))
		}
		t.Logf("%s: logits differ from those of the dequantised model by %.2g", name, worst)
		if len(got) != len(x.Logits) || !(worst <= 1e-4) {
			t.Errorf("%s: the largest difference of %d logits, of %d, is %g", name, len(got), len(x.Logits), worst)
		}
		float := base(t, name)
		for i, l := range m.Linears() {
			if l.Frozen == nil || l.W != nil {
				t.Fatalf("%s: %s is not in NF4", name, l.Name)
			}
			codes := make([]byte, l.Frozen.Codes.Len())
			m.Engine().Download(codes, l.Frozen.Codes.Buf)
			equal(t, name+" "+l.Name, codes, Quantise(float.Linears()[i].W.Data()).Codes)
		}
		if m.ParamCount() != float.ParamCount() {
			t.Errorf("%s: %d parameters of %d", name, m.ParamCount(), float.ParamCount())
		}
		frozen, err := Freeze(m) // as it is
		if err != nil {
			t.Fatal(err)
		}
		if report, err := Freeze(float); err != nil || frozen != report || !slices.Equal(score(m, x.Seqs), got) || m.Params()[0].Trainable {
			t.Errorf("%s: freezing it gave %+v, of the float model %+v (%v)", name, frozen, report, err)
		}
		if err := m.Save(t.TempDir()); err == nil || !strings.Contains(err.Error(), "quantised to NF4") {
			t.Errorf("%s: saving gave %v", name, err)
		}
		// Dequantised it computes the same and can be saved.
		if err := Thaw(m); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := m.Save(dir); err != nil {
			t.Fatal(err)
		}
		thawed, worst := score(mustOpen(t, dir), x.Seqs), 0.0
		for i := range thawed {
			worst = max(worst, math.Abs(float64(got[i]-thawed[i])))
		}
		if !(worst <= 1e-5) {
			t.Errorf("%s: dequantised and saved, logits differ by %g", name, worst)
		}
		m.Free()
	}
}

// Given bitsandbytes' offset, every byte of every tensor is that of its file.
func TestStoredFormEqualsBitsandbytes(t *testing.T) {
	for name := range stored4 {
		r, err := checkpoint.OpenDir(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for _, l := range base(t, name).Linears() {
			stored, err := r.NF4(l.Name+".weight", l.Out, l.In)
			if err != nil {
				t.Fatal(err)
			}
			w := Quantise(l.W.Data())
			if stored.Nested != nil {
				w.nestAt(stored.Nested.Offset)
			}
			equal(t, l.Name+" scales", w.Scales(), stored.Scales())
			tensors := w.Stored(l.Out, l.In).Tensors(l.Name + ".weight")
			if len(tensors) != len(r.NF4Parts(l.Name+".weight"))+1 {
				t.Errorf("%s: %d tensors", l.Name, len(tensors))
			}
			for _, x := range tensors {
				want, err := r.Bytes(x.Name, x.Shape...)
				if err != nil {
					t.Fatal(err)
				}
				if info, _ := r.Info(x.Name); !bytes.Equal(x.Raw, want) || x.DType != "" && x.DType != info.DType {
					t.Errorf("%s: %q, bitsandbytes wrote %q", x.Name, x.Raw, want)
				}
			}
		}
	}
}

func TestSavedModelIsWhatFreezeMakes(t *testing.T) {
	to := os.Getenv("TUNELAB_NF4_OUT") // for make_models.py --check-saved
	if to == "" {
		to = t.TempDir()
	}
	seqs := [][]int{{1, 5, 9, 33}, {7, 8}}
	for name := range stored4 {
		m, dir := base(t, name), filepath.Join(to, name)
		if err := Save(m, dir); err != nil {
			t.Fatal(err)
		}
		back := mustOpen(t, dir)
		if _, err := Freeze(m); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(score(back, seqs), score(m, seqs)) {
			t.Errorf("%s: the saved model gives other logits than the frozen one", name)
		}
		if err := Save(m, t.TempDir()); err == nil || !strings.Contains(err.Error(), "quantised to NF4") {
			t.Errorf("%s: a frozen model was saved: %v", name, err)
		}
	}
}

func TestStrangeFoldersAreRefused(t *testing.T) {
	const w = "model.layers.0.self_attn.q_proj.weight"
	const state = w + ".quant_state.bitsandbytes__nf4"
	find := func(ts []checkpoint.Tensor, name string) *checkpoint.Tensor {
		return &ts[slices.IndexFunc(ts, func(x checkpoint.Tensor) bool { return x.Name == name })]
	}
	replace := func(old, with string) func(ts []checkpoint.Tensor) []checkpoint.Tensor {
		return func(ts []checkpoint.Tensor) []checkpoint.Tensor {
			x := find(ts, state)
			x.Raw = bytes.Replace(x.Raw, []byte(old), []byte(with), 1)
			x.Shape = []int{len(x.Raw)}
			return ts
		}
	}
	drop := func(part string) func(ts []checkpoint.Tensor) []checkpoint.Tensor {
		return func(ts []checkpoint.Tensor) []checkpoint.Tensor {
			return slices.DeleteFunc(ts, func(x checkpoint.Tensor) bool { return strings.HasSuffix(x.Name, part) })
		}
	}
	for want, change := range map[string]func(ts []checkpoint.Tensor) []checkpoint.Tensor{
		"only nf4 in blocks of 64":                 replace(`"blocksize": 64`, `"blocksize": 128`),
		`"quant_type": "fp4"`:                      replace(`"nf4"`, `"fp4"`),
		"nested in blocks of 256":                  replace(`"nested_blocksize": 256`, `"nested_blocksize": 64`),
		"says shape [32 31]":                       replace("[32, 32]", "[32, 31]"),
		"not the record":                           replace(`"dtype"`, `"kind"`),
		`"` + w + `.nested_absmax" is missing`:     drop(w + ".nested_absmax"),
		`"` + w + `.absmax" is missing`:            drop(w + ".absmax"),
		"has shape [512 1], expected [32 32]":      drop("bitsandbytes__nf4"), // the codes alone are no weight
		`q_proj.weight.quant_map" is not the code`: func(ts []checkpoint.Tensor) []checkpoint.Tensor { find(ts, w+".quant_map").Raw[0]++; return ts },
		`" has shape [513 1], expected [512 1]`: func(ts []checkpoint.Tensor) []checkpoint.Tensor {
			x := find(ts, w)
			x.Raw, x.Shape = append(x.Raw, 0), []int{513, 1}
			return ts
		},
		`absmax" has dtype F32, expected U8`: func(ts []checkpoint.Tensor) []checkpoint.Tensor {
			x := find(ts, w+".absmax")
			x.DType, x.Raw = "F32", make([]byte, 64)
			return ts
		},
		`"` + w + `.extra" is not part of`: func(ts []checkpoint.Tensor) []checkpoint.Tensor {
			return append(ts, checkpoint.Tensor{Name: w + ".extra", DType: "U8", Shape: []int{1}, Raw: []byte{1}})
		},
		`"lm_head.weight": dtype U8 cannot be read`: func(ts []checkpoint.Tensor) []checkpoint.Tensor {
			x := find(ts, "lm_head.weight")
			x.DType, x.Raw = "U8", make([]byte, 64*32)
			return ts
		},
	} {
		if _, err := openModel(t, alter(t, llama4, change, nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, expected %q", err, want)
		}
	}
	for want, fields := range map[string]map[string]any{
		`quantization_config.quant_method: "gptq"`:              {"quant_method": "gptq"},
		`quantization_config.bnb_4bit_quant_type: "fp4"`:        {"bnb_4bit_quant_type": "fp4"},
		`quantization_config.load_in_4bit: false`:               {"load_in_4bit": false},
		`quantization_config.load_in_8bit: true`:                {"load_in_8bit": true, "load_in_4bit": false, "bnb_4bit_quant_type": "fp4"},
		`quantization_config.bnb_4bit_quant_storage: "float16"`: {"bnb_4bit_quant_storage": "float16"},
	} {
		if _, err := openModel(t, alter(t, llama4, nil, fields)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, expected %q", err, want)
		}
	}
}

const llama4 = "testdata/llama-nf4"

// alter copies a folder with other tensors or another quantization_config.
func alter(t *testing.T, from string, change func(ts []checkpoint.Tensor) []checkpoint.Tensor, fields map[string]any) string {
	t.Helper()
	dir := t.TempDir()
	r, err := checkpoint.OpenDir(from)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var ts []checkpoint.Tensor
	for _, name := range r.Names() {
		info, _ := r.Info(name)
		raw, err := r.Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		ts = append(ts, checkpoint.Tensor{Name: name, DType: info.DType, Shape: info.Shape, Raw: raw})
	}
	if change != nil {
		ts = change(ts)
	}
	if err := checkpoint.WriteSafetensors(filepath.Join(dir, checkpoint.WeightsFile), ts, nil); err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	raw, err := os.ReadFile(filepath.Join(from, checkpoint.ConfigFile))
	if err == nil {
		err = json.Unmarshal(raw, &config)
	}
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range fields {
		config["quantization_config"].(map[string]any)[k] = v
	}
	if raw, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, checkpoint.ConfigFile), raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}
