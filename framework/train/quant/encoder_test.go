package quant

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute/cpu"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

const bert4 = "testdata/bert-nf4"

func openEncoder(t *testing.T, dir string, o encoder.Options) (*encoder.Encoder, *cpu.Engine) {
	t.Helper()
	e, err := cpu.New(1, "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := encoder.Load(dir, e, o)
	if err != nil {
		t.Fatal(err)
	}
	return m, e
}

// An encoder in NF4 computes what its dequantised form does in transformers, and
// its codes are those of the float encoder. Logits are near 3; the tolerance is 1e-4.
func TestEncoderLoadsWhatTransformersSaved(t *testing.T) {
	m, e := openEncoder(t, bert4, encoder.Options{})
	if n := e.InUse(); n != 0 {
		t.Errorf("%d bytes in use before the first use", n)
	}
	var x struct {
		Seqs   [][]int
		Logits []float32
	}
	raw, err := os.ReadFile(filepath.Join(bert4, "expected.json"))
	if err == nil {
		err = json.Unmarshal(raw, &x)
	}
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, m *encoder.Encoder) {
		t.Helper()
		tape := autograd.NewTape(m.Engine(), false)
		defer tape.Release()
		got, worst := m.Logits(tape, m.Hidden(tape, encoder.Pack(x.Seqs...))).Value(), 0.0
		if len(got) != len(x.Logits) {
			t.Fatalf("%s: %d logits of %d", what, len(got), len(x.Logits))
		}
		for i := range got {
			worst = max(worst, math.Abs(float64(got[i]-x.Logits[i])))
		}
		if !(worst <= 1e-4) {
			t.Errorf("%s: logits differ by up to %g", what, worst)
		}
	}
	check("as stored", m)
	float, _ := openEncoder(t, "../../llm/encoder/testdata/bert", encoder.Options{})
	floats := map[string][]float32{}
	for _, l := range float.Linears() {
		floats[l.Name] = l.W.Data()
	}
	for _, l := range m.Linears() {
		if l.Frozen == nil {
			t.Fatalf("%s is not in NF4", l.Name)
		}
		codes := make([]byte, l.Frozen.Codes.Len())
		m.Engine().Download(codes, l.Frozen.Codes.Buf)
		equal(t, l.Name, codes, Quantise(floats[l.Name]).Codes)
	}
	if err := Thaw(m); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	raw, err = os.ReadFile(filepath.Join(dir, checkpoint.ConfigFile))
	if err != nil || bytes.Contains(raw, []byte("quantization_config")) {
		t.Errorf("dequantised and saved, config.json says %s (%v)", raw, err)
	}
	back, _ := openEncoder(t, dir, encoder.Options{})
	check("dequantised and saved", back)
}

// What belongs to a head that is left out is no strange tensor.
func TestEncoderInNF4WithoutItsHead(t *testing.T) {
	m, _ := openEncoder(t, bert4, encoder.Options{Headless: true})
	for _, l := range m.Linears() {
		if l.Frozen == nil {
			t.Errorf("%s is not in NF4", l.Name)
		}
	}
	if n := len(m.Linears()); n != 12 {
		t.Errorf("%d linear layers", n)
	}
}

// A label head is read in floats alone, and says so.
func TestLabelHeadInNF4IsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		from string
		out  int
	}{"classifier.weight": {bert4, 3}, "pre_classifier.weight": {"../../llm/encoder/testdata/distilbert", 24}} {
		dir := alter(t, c.from, func(ts []checkpoint.Tensor) []checkpoint.Tensor {
			return append(ts, Quantise(make([]float32, c.out*24)).Stored(c.out, 24).Tensors(name)...)
		}, nil)
		e, err := cpu.New(1, "")
		if err != nil {
			t.Fatal(err)
		}
		want := `"` + name + `" of the label head is in NF4`
		if _, err := encoder.LoadClassifier(dir, e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
