package lab

import (
	_ "embed"

	"github.com/tunelab/tunelab/framework/data"
)

//go:embed study.schema.json
var studySchema []byte

// StudySchema is the JSON Schema of a study file, for editors.
func StudySchema() []byte { return studySchema }

// TaskSchema is the JSON Schema of a task file, for editors.
func TaskSchema() []byte { return data.TaskSchema() }
