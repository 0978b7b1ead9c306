package tune

import (
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/peft"
)

// Folder is an adapter in training whose result is a folder in PEFT's form
// (peft.WriteFolder), which peft.ReadConfig and peft.ReadParams read again.
type Folder struct {
	Type   string            // peft_type
	Fields peft.Fields       // of adapter_config.json
	Train  []*autograd.Param // named as the file names them
	Fixed  []*autograd.Param // saved beside them, but do not train
}

var _ Attached = (*Folder)(nil)

// Params are the parameters that train.
func (f *Folder) Params() []*autograd.Param { return f.Train }

// All are the parameters that train, then the others: what a file holds.
func (f *Folder) All() []*autograd.Param {
	return append(f.Train[:len(f.Train):len(f.Train)], f.Fixed...)
}

// Save writes the folder dir.
func (f *Folder) Save(dir string) error {
	return peft.WriteFolder(dir, f.Type, f.Fields, f.All())
}
