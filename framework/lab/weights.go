package lab

import (
	"context"
	"os"

	"github.com/tunelab/tunelab/framework/llm/encoder"
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

// RunBase reads the weights of the model that a run started from, an encoder's
// by the names that a result has, which holds a label head.
func (l *Lab) RunBase(ctx context.Context, id string) ([]weights.Named, error) {
	row, err := l.Store.GetRun(ctx, id)
	if err != nil {
		return nil, err
	}
	src, err := l.source(row)
	if err != nil {
		return nil, err
	}
	list, err := l.Weights(ctx, src.Model)
	if err != nil {
		return nil, err
	}
	dir, err := l.models.Dir(ctx, src.Model)
	if err != nil || !isEncoder(dir) {
		return list, err
	}
	names, err := encoder.Names(dir)
	for i := range list {
		list[i].Name = names[list[i].Name]
	}
	return list, err
}
