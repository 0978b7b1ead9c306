package storetest

import (
	"encoding/json"
	"math"

	"github.com/tunelab/tunelab/tracking"
)

func prediction(item string) tracking.Prediction {
	return tracking.Prediction{Task: "capitals", Split: "test", ItemID: item, ItemHash: hash('1'), Mode: "generate", Output: json.RawMessage(`{"text":"Rome"}`), Score: 1}
}

func predictions(k *kit) {
	r := k.run("icl")
	yes, no := true, false
	a, b, c := prediction("9"), prediction("10"), prediction("9")
	a.Correct, a.Overlap, a.Detail = &yes, true, json.RawMessage(`[ ]`)
	b.Correct, b.Score = &no, math.NaN()
	c.Mode, c.Split = "choices", "validation"
	k.must(k.store.PutPredictions(k.ctx, r.ID, []tracking.Prediction{a, b}))
	k.must(k.store.PutPredictions(k.ctx, r.ID, []tracking.Prediction{b, c})) // b again

	changed := a
	changed.Correct = &no
	k.refused(k.store.PutPredictions(k.ctx, r.ID, []tracking.Prediction{prediction("11"), changed}), tracking.Conflict, r.ID, `"9"`)
	changed = a
	changed.Output = json.RawMessage(`{"text":"Oslo"}`)
	k.refused(k.store.PutPredictions(k.ctx, r.ID, []tracking.Prediction{changed}), tracking.Conflict)
	k.refused(k.store.PutPredictions(k.ctx, r.ID, []tracking.Prediction{{Task: "t", Split: "test", Mode: "generate"}}), tracking.Invalid, "predictions[0].item_id")

	a.Run, b.Run, c.Run = r.ID, r.ID, r.ID
	for _, w := range []struct {
		f    tracking.PredictionFilter
		want []tracking.Prediction
	}{
		{tracking.PredictionFilter{}, []tracking.Prediction{a, b, c}},
		{tracking.PredictionFilter{Split: "test"}, []tracking.Prediction{a, b}},
		{tracking.PredictionFilter{Mode: "choices"}, []tracking.Prediction{c}},
		{tracking.PredictionFilter{Task: "other"}, nil},
	} {
		got, err := k.store.Predictions(k.ctx, r.ID, w.f)
		k.must(err)
		if equal(k, "number of predictions", len(got), len(w.want)); len(got) != len(w.want) {
			continue
		}
		for i := range got {
			g, w := got[i], w.want[i]
			if (g.Correct == nil) != (w.Correct == nil) || g.Correct != nil && *g.Correct != *w.Correct {
				k.Errorf("prediction %d: correct differs", i)
			}
			g.Correct, w.Correct = nil, nil
			equal(k, "prediction", g, w)
		}
	}
}

func scores(k *kit) {
	r := k.run("icl")
	b := tracking.Score{Task: "trec", Split: "test", Metric: "macro_f1", Value: math.Inf(-1), N: 500, StdErr: math.NaN()}
	a := tracking.Score{Task: "trec", Split: "test", Metric: "accuracy", Value: 0.858, N: 500, StdErr: 0.0156, Detail: json.RawMessage(`{"seeds":5}`)}
	k.must(k.store.PutScores(k.ctx, r.ID, []tracking.Score{b, a}))
	k.must(k.store.PutScores(k.ctx, r.ID, []tracking.Score{b}))
	better := a
	better.Value = 0.9
	k.refused(k.store.PutScores(k.ctx, r.ID, []tracking.Score{better}), tracking.Conflict, "accuracy", r.ID)
	k.refused(k.store.PutScores(k.ctx, r.ID, []tracking.Score{{Task: "t", Split: "s"}}), tracking.Invalid, "scores[0].metric")
	k.refused(k.store.PutScores(k.ctx, r.ID, []tracking.Score{{Task: "t", Split: "s", Metric: "m", N: -1}}), tracking.Invalid, "scores[0].n")
	got, err := k.store.Scores(k.ctx, r.ID)
	k.must(err)
	a.Run, b.Run = r.ID, r.ID
	equal(k, "scores", got, []tracking.Score{a, b})
}

func artifacts(k *kit) {
	r, other := k.run("lora"), k.run("lora")
	in := tracking.ArtifactRef{Direction: tracking.In, Kind: "model", Path: "model.safetensors", SHA256: hash('b'), Size: 1 << 40}
	out := tracking.ArtifactRef{Direction: tracking.Out, Kind: "adapter", Path: "adapter/adapter_model.safetensors", SHA256: hash('a'), Size: 8}
	k.must(k.store.PutArtifacts(k.ctx, r.ID, []tracking.ArtifactRef{out, in}))
	newer := out
	newer.SHA256, newer.Size = hash('c'), 9
	k.must(k.store.PutArtifacts(k.ctx, r.ID, []tracking.ArtifactRef{newer}))
	k.must(k.store.PutArtifacts(k.ctx, other.ID, []tracking.ArtifactRef{in}))
	in.Run, newer.Run = r.ID, r.ID
	for d, want := range map[tracking.Direction][]tracking.ArtifactRef{"": {in, newer}, tracking.In: {in}, tracking.Out: {newer}} {
		got, err := k.store.Artifacts(k.ctx, r.ID, d)
		k.must(err)
		equal(k, "artifacts "+string(d), got, want)
	}
	hs, err := k.store.ReferencedHashes(k.ctx)
	k.must(err)
	equal(k, "referenced", hs, []string{hash('b'), hash('c')})

	for _, bad := range []string{"", ".", "..", "/etc/passwd", "../up", "a/../../b", "a//b", "a/", `a\b`, "./a"} {
		a := out
		a.Path = bad
		k.refused(k.store.PutArtifacts(k.ctx, r.ID, []tracking.ArtifactRef{a}), tracking.Invalid, "artifacts[0].path")
	}
	for _, bad := range []string{"", "abc", hash('A'), hash('g')} {
		a := out
		a.SHA256 = bad
		k.refused(k.store.PutArtifacts(k.ctx, r.ID, []tracking.ArtifactRef{a}), tracking.Invalid, "artifacts[0].sha256")
	}
	a := out
	a.Direction = "sideways"
	k.refused(k.store.PutArtifacts(k.ctx, r.ID, []tracking.ArtifactRef{a}), tracking.Invalid, "artifacts[0].direction")
}
