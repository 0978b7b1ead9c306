package lab

import (
	"context"
	"fmt"

	"github.com/tunelab/tunelab/framework/base"
	"github.com/tunelab/tunelab/framework/llm/hub"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/tracking"
)

// completeAdapter adds to the exported adapter in dir what PEFT keeps there and
// its plugin left out or beside it: the base model's name and a label head. What
// PEFT could not be told comes back as notes.
func (l *Lab) completeAdapter(ctx context.Context, r result, head *labelHead, dir string) ([]string, error) {
	notes, err := l.nameBase(ctx, r, dir)
	if err != nil || head == nil {
		return notes, err
	}
	if err := head.adapter(dir); err != nil {
		return notes, err
	}
	return append(notes, head.notes(ExportAdapter)...), nil
}

// nameBase records the base model, unless nothing outside tunelab could find it.
func (l *Lab) nameBase(ctx context.Context, r result, dir string) ([]string, error) {
	const null = "adapter_config.json names no base model: "
	parent, err := l.initialisedFrom(ctx, r.row.ID)
	if err != nil {
		return nil, err
	}
	if parent != "" {
		return []string{null + fmt.Sprintf("the adapter is on the result of run %s, which export --merge writes", parent)}, nil
	}
	src, err := l.source(r.row)
	if err != nil {
		return nil, err
	}
	if src.Model == "" || src.Model == base.Name {
		from, err := l.models.Dir(ctx, src.Model)
		return []string{null + "it is tunelab's embedded one, which lies in " + absolute(from)}, err
	}
	name, revision, err := fromPretrained(src.Model)
	if err != nil {
		return nil, err
	}
	return nil, peft.SetBase(dir, name, revision)
}

// fromPretrained gives what transformers' from_pretrained takes for a recorded
// model: a folder, or a repository of the Hub and its revision.
func fromPretrained(model string) (name, revision string, err error) {
	if !onHub(model) {
		return model, "", nil
	}
	ref, err := hub.ParseRef(model)
	return ref.Repo, ref.Revision, err
}

// initialisedFrom is the run whose result a run started from, "" if none.
func (l *Lab) initialisedFrom(ctx context.Context, id string) (string, error) {
	parents, err := l.Store.Parents(ctx, id)
	for _, p := range parents {
		if p.Relation == tracking.InitialisedFrom {
			return p.Parent, err
		}
	}
	return "", err
}
