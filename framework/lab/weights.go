package lab

import (
	"context"
	"os"

	"github.com/tunelab/tunelab/framework/llm/weights"
)

// Weights reads the weights of a model folder, or of the embedded model, as
// gorgonia tensors, by name.
func (l *Lab) Weights(ctx context.Context, model string) ([]weights.Named, error) {
	dir, err := l.models.Dir(ctx, model)
	if err != nil {
		return nil, err
	}
	return weights.Read(dir)
}

// RunWeights reads the weights of a run's result: what it trained.
func (l *Lab) RunWeights(ctx context.Context, id string) ([]weights.Named, error) {
	tmp, err := os.MkdirTemp("", "tunelab-weights-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	dir := tmp + "/result"
	if err := l.Export(ctx, id, dir); err != nil {
		return nil, err
	}
	return weights.Read(dir)
}

// RunBase reads the weights of the model that a run started from.
func (l *Lab) RunBase(ctx context.Context, id string) ([]weights.Named, error) {
	row, err := l.Store.GetRun(ctx, id)
	if err != nil {
		return nil, err
	}
	src, err := l.source(row)
	if err != nil {
		return nil, err
	}
	return l.Weights(ctx, src.Model)
}
