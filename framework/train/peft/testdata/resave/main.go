// Command resave loads every adapter of a folder and saves it to another, and
// beside it, in NAME-merged, the model with the adapter merged where that is
// possible, for make_fixtures.py --check-saved.
package main

import (
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/ref"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/peft"
)

func main() {
	if err := resave(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}

func resave(models, from, to string) error {
	e, err := compute.Open("ref", 1)
	if err != nil {
		return err
	}
	found, err := filepath.Glob(filepath.Join(from, "*", peft.ConfigFile))
	if err != nil {
		return err
	}
	for _, f := range found {
		dir := filepath.Dir(f)
		var x struct{ Base string }
		raw, err := os.ReadFile(filepath.Join(dir, "expected.json"))
		if err == nil {
			err = json.Unmarshal(raw, &x)
		}
		if err != nil {
			return err
		}
		m, err := model.Load(filepath.Join(models, x.Base), e, model.Options{})
		if err != nil {
			return err
		}
		var own []peft.Own
		if strings.HasSuffix(dir, "-score") {
			score := autograd.NewParam(e, "score.weight", []int{3, m.Config().HiddenSize}, nil)
			own = append(own, peft.Own{Modules: []string{"score"}, Params: []*autograd.Param{score}})
		}
		l, err := peft.Load(m, dir, own...)
		if err != nil {
			return err
		}
		out := filepath.Join(to, filepath.Base(dir))
		if err := l.Save(out); err != nil {
			return err
		}
		if own == nil {
			if err := l.SaveMerged(out + "-merged"); err != nil {
				return err
			}
		}
		l.Detach()
		m.Free()
	}
	return nil
}
