package peft

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

func TestAFolderOfAnotherMethod(t *testing.T) {
	e, err := compute.Open("ref", 1)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "new")
	one, two := autograd.NewParam(e, "one", []int{2, 2}, []float32{1, 2, 3, 4}), autograd.NewParam(e, "two", []int{1}, []float32{5})
	fields := Fields{"size": 7, "rate": 0.5, "target_modules": []string{"q_proj", "a.v_proj"}, "kind": "x", "modules_to_save": nil}
	if err := WriteFolder(dir, "MINE", fields, []*autograd.Param{one, two}); err != nil {
		t.Fatal(err)
	}
	size, rate, targets, other := 0, 0.0, Targets{}, 3
	into := Fields{"size": &size, "rate": &rate, "target_modules": &targets, "kind": "x", "other": &other}
	if err := ReadConfig(dir, "MINE", into); err != nil {
		t.Fatal(err)
	}
	if size != 7 || rate != 0.5 || !slices.Equal(targets, Targets{"a.v_proj", "q_proj"}) || other != 3 {
		t.Errorf("read %d, %g, %v, %d", size, rate, targets, other)
	}
	into["kind"] = nil
	if err := ReadConfig(dir, "MINE", into); err != nil {
		t.Errorf("a field without effect: %v", err)
	}
	a, b := autograd.NewParam(e, "one", []int{2, 2}, nil), autograd.NewParam(e, "two", []int{1}, nil)
	if err := ReadParams(dir, []*autograd.Param{b, a}); err != nil || !slices.Equal(a.Data(), one.Data()) || !slices.Equal(b.Data(), two.Data()) {
		t.Errorf("parameters %v %v: %v", a.Data(), b.Data(), err)
	}

	text := ""
	for want, bad := range map[string]Fields{
		`peft_type: "MINE" is not supported, only "LORA"`: nil,
		`kind: "x" is not supported, only "y"`:            {"size": nil, "rate": nil, "target_modules": nil, "kind": "y"},
		`kind: "x" is not supported`:                      {"size": nil, "rate": nil, "target_modules": nil},
		`size: got 7`:                                     {"size": &text, "rate": nil, "target_modules": nil, "kind": nil},
	} {
		kind := "MINE"
		if bad == nil {
			kind = "LORA"
		}
		if err := ReadConfig(dir, kind, bad); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), ConfigFile) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	for want, params := range map[string][]*autograd.Param{
		`unexpected tensor "two"`: {a},
		`"three" is missing`:      {a, b, autograd.NewParam(e, "three", []int{1}, nil)},
		`has shape`:               {a, autograd.NewParam(e, "two", []int{2}, nil)},
	} {
		if err := ReadParams(dir, params); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, ConfigFile), []byte(`{"size": 7}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := ReadConfig(dir, "MINE", into); err == nil || !strings.Contains(err.Error(), "peft_type: is missing") {
		t.Errorf("without a type: %v", err)
	}
}
