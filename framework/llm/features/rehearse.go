package features

import (
	"context"

	"github.com/tunelab/tunelab/framework/compute"
)

// Needs is what computing vectors would take.
type Needs struct {
	Params int64   // weights of the model
	Width  int     // of a vector
	Bytes  int64   // of the engine's memory
	FLOPs  float64 // of the first list of texts
	Calls  []compute.Calls
}

// Rehearse says what Rows would need for lists of texts, without computing it
// (compute.Rehearsal).
func Rehearse(ctx context.Context, o Options, texts ...[]string) (n Needs, err error) {
	o.CacheDir = ""
	x, err := New(o)
	if err != nil {
		return n, err
	}
	defer x.Close()
	var r *compute.Rehearsal
	x.wrap = func(e compute.Engine) compute.Engine {
		r = compute.NewRehearsal(e)
		return r
	}
	if n.Params, n.Width, err = x.Size(); err != nil {
		return n, err
	}
	r.Begin()
	for i, list := range texts {
		rows, err := x.Rows(ctx, list, nil)
		if err != nil {
			return n, err
		}
		for _, row := range rows {
			if i == 0 {
				n.FLOPs += row.FLOPs
			}
		}
	}
	n.Bytes, n.Calls = r.Resident(), r.Calls()
	return n, nil
}
