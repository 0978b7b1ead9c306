package lab

import (
	_ "embed"
	"fmt"
)

//go:embed demo.yaml
var demoYAML []byte

// Demo is the study that `tunelab demo` runs: the nine methods on the embedded
// model and tasks.
func Demo() (*Study, error) {
	s, err := parseStudy(demoYAML, "demo.yaml")
	if err != nil {
		return nil, fmt.Errorf("the embedded study: %w", err)
	}
	return s, nil
}
