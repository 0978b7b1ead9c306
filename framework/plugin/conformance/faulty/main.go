// Plugins that are each wrong in one way, which the name of the binary chooses;
// the tests of package conformance build and try them. Named "sound" it is a
// LoRA adapter that nothing is wrong with.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
)

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "tunelab-plugin-")
	m := &faulty{Method: tune.Method(adapter{name}), name: name}
	if len(os.Args) > 1 {
		if name == "garbles" {
			fmt.Println("a plugin")
			return
		}
		sdk.Serve(m)
		return
	}
	if name == "prints" {
		fmt.Println("loading")
	}
	sdk.Serve(m)
	m.end()
}

// adapter is LoRA on q_proj, with which runs are short.
type adapter struct{ name string }

func (a adapter) Describe() spec.Method {
	return spec.Method{Name: a.name, Version: "1.0.0", Family: "peft", Summary: "a plugin that is wrong in one way",
		Tasks: []string{spec.Instruction}, Modes: []string{spec.ModeGenerate, spec.ModeLogprobs}}
}

func (a adapter) Schema() spec.Schema {
	return spec.Schema{Params: []spec.Param{{Name: "rank", Type: "int", Default: 2, Min: spec.At(1), Max: spec.At(64), Description: "of the update"}}}
}

func (a adapter) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	return tune.AttachLoRA(m, peft.Config{Rank: r.Params.Int("rank"), Alpha: 4, Targets: []string{"q_proj"}}, r.RNG)
}

func (a adapter) Restore(m *model.Model, _ spec.Params, dir string) (*model.Model, error) {
	_, err := peft.Load(m, dir)
	return m, err
}
