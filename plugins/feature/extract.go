package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/tunelab/tunelab/framework/llm/features"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
)

func newExtractor(in *sdk.Input) (*features.Extractor, error) {
	limit := in.Params.Int("max_length")
	if limit == 0 {
		limit = in.Spec.Task.MaxLength
	}
	return features.New(features.Options{Model: in.ModelDir, SHA256: in.Spec.Model.SHA256, CacheDir: in.CacheDir,
		Engine: in.Spec.Compute.Engine, Precision: in.Spec.Compute.Precision, Threads: in.Spec.Compute.Threads,
		Pooling: in.Params.String("features"), Layer: in.Params.Int("layer"), MaxLength: limit})
}

// extract gives the features of texts while a run goes on, which may be asked
// to stop.
func extract(ctx context.Context, x *features.Extractor, texts []string, out *sdk.Output) ([]features.Row, error) {
	rows, err := x.Rows(ctx, texts, func(done int) error {
		select {
		case <-out.Stopping():
			return sdk.ErrStopped
		default:
		}
		out.Progress(int64(done), int64(len(texts)), "features")
		return nil
	})
	if e := new(features.LayerError); errors.As(err, &e) {
		return nil, sdk.Fail("params.layer", fmt.Sprintf("%d is above the model's %d layers", e.Layer, e.Layers), "choose 0 to the number of layers, or -1")
	}
	return rows, err
}
