package lab

import (
	"context"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/tracking"
	"github.com/tunelab/tunelab/tracking/artifact"
)

// Exported says what an export wrote.
type Exported struct {
	Run  string `json:"run"`
	Dir  string `json:"dir"`
	Kind string `json:"kind"` // "adapter" (PEFT), "model" (transformers) or "files"
	// Difference is the largest difference of a log-probability (with a label head,
	// of a label's), nats, that merging an adapter made on a text; nil: nothing was
	// merged.
	Difference *float64 `json:"merge_logprob_diff,omitempty"`
	Notes      []string `json:"notes,omitempty"` // what to know before loading it
}

// Kinds of Exported.
const (
	ExportAdapter = "adapter"
	ExportModel   = "model"
	ExportFiles   = "files"
)

// modelPart is the folder of a result that holds a whole model.
const modelPart = "model/"

// result is a run's result as it is recorded.
type result struct {
	row   tracking.Run
	files []tracking.ArtifactRef
}

func (l *Lab) resultOf(ctx context.Context, id string) (result, error) {
	row, err := l.Store.GetRun(ctx, id)
	if err != nil {
		return result{}, err
	}
	refs, err := l.Store.Artifacts(ctx, row.ID, tracking.Out)
	if err != nil {
		return result{}, err
	}
	r := result{row: row}
	for _, f := range refs {
		if p, ok := strings.CutPrefix(f.Path, "result/"); ok {
			f.Path = p
			r.files = append(r.files, f)
		}
	}
	if len(r.files) == 0 {
		return r, fmt.Errorf("run %s (%s) has no result to export", row.ID, row.Status)
	}
	return r, nil
}

func (r result) has(name string) bool {
	return slices.ContainsFunc(r.files, func(f tracking.ArtifactRef) bool { return f.Path == name })
}

func (r result) whole() bool { return r.has(modelPart + checkpoint.ConfigFile) }

// Export writes a run's result, as it was recorded, to the folder dir, which must
// be new or empty.
func (l *Lab) Export(ctx context.Context, id, dir string) error {
	r, err := l.resultOf(ctx, id)
	if err == nil {
		err = vacant(dir)
	}
	if err != nil {
		return err
	}
	return l.Artifacts.Materialize(ctx, r.files, dir, artifact.Copy)
}

func vacant(dir string) error {
	if found, err := os.ReadDir(dir); err == nil && len(found) > 0 {
		return fmt.Errorf("export to %s: the folder is not empty; name another", dir)
	}
	return nil
}

// ExportTo writes a run's result to the folder dir, which must be new or empty, so
// that PEFT or transformers loads dir itself: an adapter with what stands beside
// it, or else a whole model with the tokenizer. With merge it is always a whole
// model and nothing else, in float32; an adapter is merged into the run's base
// model, and the result must then answer as the run does. What can't be merged is
// refused with the reason.
//
// A decoder's label head goes where PEFT and transformers keep it, where they
// compute the same (labelHead), and else beside the rest, with a note.
func (l *Lab) ExportTo(ctx context.Context, id, dir string, merge bool) (*Exported, error) {
	r, err := l.resultOf(ctx, id)
	if err == nil {
		err = vacant(dir)
	}
	if err != nil {
		return nil, err
	}
	head, err := l.labelHead(ctx, r)
	if err != nil {
		return nil, err
	}
	x := &Exported{Run: r.row.ID, Dir: dir, Kind: ExportFiles, Notes: head.notes(ExportFiles)}
	adapter := r.has(peft.ConfigFile)
	switch {
	case merge && head != nil && head.unfit != nil:
		return nil, r.cannotMerge(fmt.Sprintf("it trained a label head, and %v; train with -p objective=completion, or export without --merge", head.unfit))
	case merge && !r.whole() && !adapter && head == nil:
		return nil, r.cannotMerge(fmt.Sprintf("its result (%s, ...) is neither a PEFT adapter nor a model", r.files[0].Path))
	case merge && !r.whole():
		d, err := l.mergeInto(ctx, r, head, dir)
		if err != nil {
			return nil, err
		}
		if x.Kind, x.Notes = ExportModel, head.notes(ExportModel); adapter {
			x.Difference = &d
		}
		return x, nil
	case r.whole() && (merge || !adapter):
		x.Kind, x.Notes = ExportModel, head.notes(ExportModel)
		if err := l.Artifacts.Materialize(ctx, r.flat(merge), dir, artifact.Copy); err != nil {
			return nil, err
		}
		if head != nil && head.unfit == nil {
			if err := head.classifier(dir); err != nil {
				return nil, err
			}
		}
		return x, l.addTokenizer(ctx, r.row, dir)
	case adapter:
		x.Kind = ExportAdapter
	case r.has(checkpoint.ConfigFile):
		x.Kind = ExportModel
	}
	if err := l.Artifacts.Materialize(ctx, r.files, dir, artifact.Copy); err != nil || !adapter {
		return x, err
	}
	x.Notes, err = l.completeAdapter(ctx, r, head, dir)
	return x, err
}

func (r result) cannotMerge(why string) error {
	return fmt.Errorf("run %s (%s) cannot be exported as one model: %s", r.row.ID, r.row.Method, why)
}

// flat are the files with those of model/ at the top; alone: without the others.
func (r result) flat(alone bool) []tracking.ArtifactRef {
	var out []tracking.ArtifactRef
	for _, f := range r.files {
		p, ok := strings.CutPrefix(f.Path, modelPart)
		if ok || !alone {
			f.Path = path.Clean(p)
			out = append(out, f)
		}
	}
	return out
}

// baseDir is the folder of the model that a run was given.
func (l *Lab) baseDir(ctx context.Context, row tracking.Run) (string, error) {
	src, err := l.source(row)
	if err != nil {
		return "", err
	}
	return l.models.Dir(ctx, src.Model)
}

// addTokenizer copies from the run's base model what a saved model lacks beside
// its weights.
func (l *Lab) addTokenizer(ctx context.Context, row tracking.Run, dir string) error {
	from, err := l.baseDir(ctx, row)
	if err != nil {
		return fmt.Errorf("the exported model lacks what its base model has beside the weights: %w", err)
	}
	return checkpoint.CopyCompanions(from, dir)
}
