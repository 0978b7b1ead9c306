// Package service is what a host does for its plugins when they ask.
package service

import (
	"context"
	"fmt"

	_ "github.com/tunelab/tunelab/framework/compute/cpu" // the engines that a run may name
	_ "github.com/tunelab/tunelab/framework/compute/ref"
	"github.com/tunelab/tunelab/framework/llm/features"
	"github.com/tunelab/tunelab/framework/plugin/host"
)

// Features computes vectors with the model of in, which is loaded for the one
// call, or finds them in its cache folder.
func Features(ctx context.Context, in host.Input, q host.FeatureQuery) ([]host.FeatureRow, error) {
	if in.Model.Path == "" {
		return nil, fmt.Errorf("run %s has no model", in.RunID)
	}
	x, err := features.New(features.Options{Model: in.Model.Path, SHA256: in.Spec.Model.SHA256, CacheDir: in.CacheDir,
		Engine: in.Spec.Compute.Engine, Precision: in.Spec.Compute.Precision, Threads: in.Spec.Compute.Threads, Pooling: q.Pooling, Layer: q.Layer, MaxLength: q.MaxLength})
	if err != nil {
		return nil, err
	}
	defer x.Close()
	rows, err := x.Rows(ctx, q.Texts, nil)
	if err != nil {
		return nil, err
	}
	out := make([]host.FeatureRow, len(rows))
	for i, r := range rows {
		out[i] = host.FeatureRow{X: r.X, Tokens: r.Tokens, FLOPs: r.FLOPs}
	}
	return out, nil
}
