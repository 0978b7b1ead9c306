// Command resave loads every model of a folder and saves it to another, for
// make_fixtures.py --check-saved.
package main

import (
	"log"
	"os"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/ref"
	"github.com/tunelab/tunelab/framework/llm/model"
)

func main() {
	from, to := os.Args[1], os.Args[2]
	e, err := compute.Open("ref", 1)
	if err != nil {
		log.Fatal(err)
	}
	configs, err := filepath.Glob(filepath.Join(from, "*", "config.json"))
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range configs {
		dir := filepath.Dir(c)
		m, err := model.Load(dir, e, model.Options{})
		if err != nil {
			log.Fatal(err)
		}
		if err := m.Save(filepath.Join(to, filepath.Base(dir))); err != nil {
			log.Fatal(err)
		}
		m.Free()
	}
}
