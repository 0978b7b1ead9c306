package storetest

import (
	"encoding/json"
	"time"

	"github.com/tunelab/tunelab/tracking"
)

func experiments(k *kit) {
	a, err := k.store.CreateExperiment(k.ctx, "trec")
	k.must(err)
	equal(k, "created", a.Created, k.clock.Now())
	_, err = k.store.CreateExperiment(k.ctx, "trec")
	k.refused(err, tracking.Conflict, "trec")
	again := k.experiment("trec")
	equal(k, "get or create", again, a)
	b := k.experiment("gsm8k")
	for _, ref := range []string{b.ID, b.Name} {
		got, err := k.store.GetExperiment(k.ctx, ref)
		k.must(err)
		equal(k, "by "+ref, got, b)
	}
	_, err = k.store.GetExperiment(k.ctx, "none")
	k.refused(err, tracking.NotFound, "none")
	_, err = k.store.CreateExperiment(k.ctx, "")
	k.refused(err, tracking.Invalid, "name")
	all, err := k.store.ListExperiments(k.ctx)
	k.must(err)
	equal(k, "list", all, []tracking.Experiment{a, b})
}

// full is a run with every field set that a caller sets.
func (k *kit) full() tracking.Run {
	return tracking.Run{
		Experiment: k.experiment("study").ID, Name: "näme 'quoted'; --", Method: "lora", Stage: "reward", Task: "capitals", Seed: -1 << 63,
		SpecJSON: json.RawMessage(`{"a":1e400, "b" : "\u00e9"}`), SpecHash: hash('1'),
		Hashes: map[string]string{"model": hash('2'), "data": hash('3')}, CodeVersion: "v0.1",
		Machine: json.RawMessage(`{"cores":2}`), NamedSeeds: json.RawMessage(`{"init":"00"}`),
		Unlocked: true, NotReplayable: true, Cost: json.RawMessage(`{}`), LogTail: "line\n\x00\tend",
	}
}

func hash(c byte) string {
	b := make([]byte, 64)
	for i := range b {
		b[i] = c
	}
	return string(b)
}

func createRun(k *kit) {
	want := k.full()
	params := []tracking.Param{{Key: "rank", Value: json.RawMessage(`8`)}, {Key: "alpha", Value: json.RawMessage(`[1, 2]`)}}
	got, err := k.store.CreateRun(k.ctx, tracking.NewRun{Run: want, Params: params})
	k.must(err)
	if len(got.ID) < 10 {
		k.Errorf("id %q is short", got.ID)
	}
	want.ID, want.Status, want.Created = got.ID, tracking.Pending, k.clock.Now()
	equal(k, "created run", got, want)
	equal(k, "read back", k.status(got.ID), want)

	ps, err := k.store.Params(k.ctx, got.ID)
	k.must(err)
	equal(k, "parameters by key", ps, []tracking.Param{
		{Run: got.ID, Key: "alpha", Value: json.RawMessage(`[1, 2]`)}, {Run: got.ID, Key: "rank", Value: json.RawMessage(`8`)}})

	// The SHA-256 of "{}", from FIPS 180-4.
	r, err := k.store.CreateRun(k.ctx, tracking.NewRun{Run: tracking.Run{
		Experiment: "study", Method: "icl", SpecJSON: json.RawMessage(`{}`), ID: "my-run-1"}})
	k.must(err)
	equal(k, "own id", r.ID, "my-run-1")
	equal(k, "default spec hash", r.SpecHash, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")
}

func createRunRefuses(k *kit) {
	e := k.experiment("study").ID
	base := tracking.Run{Experiment: e, Method: "icl"}
	with := func(change func(*tracking.Run)) tracking.NewRun {
		r := base
		change(&r)
		return tracking.NewRun{Run: r}
	}
	one := json.RawMessage("1")
	for _, c := range []struct {
		in   tracking.NewRun
		code tracking.Code
		word string
	}{
		{with(func(r *tracking.Run) { r.Experiment = "nowhere" }), tracking.NotFound, "nowhere"},
		{with(func(r *tracking.Run) { r.Experiment = "" }), tracking.Invalid, "run.experiment"},
		{with(func(r *tracking.Run) { r.Method = "" }), tracking.Invalid, "run.method"},
		{with(func(r *tracking.Run) { r.Status = tracking.Finished }), tracking.Invalid, "run.status"},
		{with(func(r *tracking.Run) { r.SpecJSON = json.RawMessage("{") }), tracking.Invalid, "run.spec"},
		{with(func(r *tracking.Run) { r.SpecHash = "abc" }), tracking.Invalid, "run.spec_hash"},
		{with(func(r *tracking.Run) { r.ID = "Not OK" }), tracking.Invalid, "run.id"},
		{with(func(r *tracking.Run) { r.Hashes = map[string]string{"model": ""} }), tracking.Invalid, "model"},
		{tracking.NewRun{Run: base, Params: []tracking.Param{{Key: "k", Value: one}, {Key: "k", Value: one}}}, tracking.Invalid, "params[1]"},
		{tracking.NewRun{Run: base, Params: []tracking.Param{{Key: "k", Value: json.RawMessage("x")}}}, tracking.Invalid, "params[0].value"},
		{tracking.NewRun{Run: base, Parents: []tracking.Parent{{Parent: "ghost", Relation: tracking.StageOf}}}, tracking.NotFound, "parents[0]"},
		{tracking.NewRun{Run: base, Parents: []tracking.Parent{{Parent: "x", Relation: "sibling-of"}}}, tracking.Invalid, "parents[0].relation"},
	} {
		_, err := k.store.CreateRun(k.ctx, c.in)
		k.refused(err, c.code, c.word)
	}
	all, err := k.store.ListRuns(k.ctx, tracking.RunFilter{})
	k.must(err)
	equal(k, "runs after refusals", len(all), 0)

	r := k.run("icl")
	_, err = k.store.CreateRun(k.ctx, with(func(n *tracking.Run) { n.ID = r.ID }))
	k.refused(err, tracking.Conflict, r.ID)
}

func getRunByPrefix(k *kit) {
	e := k.experiment("study").ID
	for _, id := range []string{"abc1", "abc2", "abc", "b", "zz9"} {
		_, err := k.store.CreateRun(k.ctx, tracking.NewRun{Run: tracking.Run{ID: id, Experiment: e, Method: "icl"}})
		k.must(err)
	}
	for prefix, want := range map[string]string{"abc": "abc", "abc1": "abc1", "b": "b", "z": "zz9"} {
		equal(k, "GetRun "+prefix, k.status(prefix).ID, want)
	}
	_, err := k.store.GetRun(k.ctx, "a")
	k.refused(err, tracking.Conflict, "abc1", "abc2")
	for _, none := range []string{"abd", "abc1x", "%", "_", "ab%"} {
		_, err := k.store.GetRun(k.ctx, none)
		k.refused(err, tracking.NotFound, none)
	}
	_, err = k.store.GetRun(k.ctx, "")
	k.refused(err, tracking.Invalid)
}

func listRuns(k *kit) {
	other := k.experiment("other")
	var ids []string
	for i, m := range []string{"icl", "lora", "lora", "sft"} {
		r := tracking.Run{Experiment: k.experiment("study").ID, Method: m, Task: "capitals", Seed: int64(i)}
		if m == "sft" {
			r.Experiment, r.Task, r.Stage = other.ID, "instruct", "sft"
		}
		got, err := k.store.CreateRun(k.ctx, tracking.NewRun{Run: r})
		k.must(err)
		ids = append(ids, got.ID)
	}
	k.must(k.store.SetStatus(k.ctx, ids[1], tracking.Failed, "no memory"))
	seed := int64(2)
	for _, c := range []struct {
		name string
		f    tracking.RunFilter
		want []int
	}{
		{"all, newest first", tracking.RunFilter{}, []int{3, 2, 1, 0}},
		{"oldest first", tracking.RunFilter{OldestFirst: true}, []int{0, 1, 2, 3}},
		{"experiment by name", tracking.RunFilter{Experiment: "study"}, []int{2, 1, 0}},
		{"experiment by id", tracking.RunFilter{Experiment: other.ID}, []int{3}},
		{"method", tracking.RunFilter{Method: "lora"}, []int{2, 1}},
		{"stage", tracking.RunFilter{Stage: "sft"}, []int{3}},
		{"task", tracking.RunFilter{Task: "instruct"}, []int{3}},
		{"seed", tracking.RunFilter{Seed: &seed}, []int{2}},
		{"status", tracking.RunFilter{Statuses: []tracking.Status{tracking.Failed, tracking.Lost}}, []int{1}},
		{"method and status", tracking.RunFilter{Method: "lora", Statuses: []tracking.Status{tracking.Pending}}, []int{2}},
		{"limit and offset", tracking.RunFilter{Limit: 2, Offset: 1}, []int{2, 1}},
		{"nothing", tracking.RunFilter{Method: "rlhf"}, nil},
	} {
		got, err := k.store.ListRuns(k.ctx, c.f)
		k.must(err)
		var gotIDs, want []string
		for _, r := range got {
			gotIDs = append(gotIDs, r.ID)
		}
		for _, i := range c.want {
			want = append(want, ids[i])
		}
		equal(k, c.name, gotIDs, want)
	}
	_, err := k.store.ListRuns(k.ctx, tracking.RunFilter{Experiment: "none"})
	k.refused(err, tracking.NotFound, "none")
	_, err = k.store.ListRuns(k.ctx, tracking.RunFilter{Statuses: []tracking.Status{"done"}})
	k.refused(err, tracking.Invalid, "done")
}

func updateRun(k *kit) {
	r := k.run("icl")
	name, version, yes, log := "n", "v2", true, "tail"
	k.must(k.store.UpdateRun(k.ctx, r.ID, tracking.RunUpdate{}))
	equal(k, "empty update", k.status(r.ID), r)
	u := tracking.RunUpdate{Name: &name, CodeVersion: &version, Machine: json.RawMessage(`1`), NamedSeeds: json.RawMessage(`2`),
		Unlocked: &yes, NotReplayable: &yes, Cost: json.RawMessage(`3`), LogTail: &log, Hashes: map[string]string{"model": hash('a')}}
	k.must(k.store.UpdateRun(k.ctx, r.ID, u))
	k.must(k.store.UpdateRun(k.ctx, r.ID, tracking.RunUpdate{Hashes: map[string]string{"model": hash('a'), "data": hash('b')}}))
	want := r
	want.Name, want.CodeVersion, want.Machine, want.NamedSeeds = name, version, u.Machine, u.NamedSeeds
	want.Unlocked, want.NotReplayable, want.Cost, want.LogTail = true, true, u.Cost, log
	want.Hashes = map[string]string{"model": hash('a'), "data": hash('b')}
	equal(k, "updated", k.status(r.ID), want)

	empty := "lost"
	k.refused(k.store.UpdateRun(k.ctx, r.ID, tracking.RunUpdate{Name: &empty, Hashes: map[string]string{"model": hash('c')}}), tracking.Conflict, "model")
	k.refused(k.store.UpdateRun(k.ctx, r.ID, tracking.RunUpdate{Cost: json.RawMessage(`{`)}), tracking.Invalid, "cost")
	equal(k, "after refusals", k.status(r.ID), want)
}

func lineage(k *kit) {
	sft, ref := k.run("sft"), k.run("sft")
	edges := []tracking.Parent{{Parent: sft.ID, Relation: tracking.InitialisedFrom}, {Parent: ref.ID, Relation: tracking.TunedFrom}, {Parent: sft.ID, Relation: tracking.StageOf}}
	ppo := k.run("rlhf", edges...)
	again := k.run("rlhf", tracking.Parent{Parent: sft.ID, Relation: tracking.ReplayOf})
	for i := range edges {
		edges[i].Run = ppo.ID
	}
	got, err := k.store.Parents(k.ctx, ppo.ID)
	k.must(err)
	equal(k, "parents", got, edges)
	got, err = k.store.Children(k.ctx, sft.ID)
	k.must(err)
	equal(k, "children", got, []tracking.Parent{edges[0], edges[2], {Run: again.ID, Parent: sft.ID, Relation: tracking.ReplayOf}})
}

func deleteRun(k *kit) {
	a := k.started("sft")
	k.must(k.store.AppendMetrics(k.ctx, a.ID, []tracking.Metric{{Name: "loss"}}))
	k.must(k.store.PutArtifacts(k.ctx, a.ID, []tracking.ArtifactRef{{Direction: tracking.Out, Kind: "adapter", Path: "a", SHA256: hash('a')}}))
	k.refused(k.store.DeleteRun(k.ctx, a.ID), tracking.Conflict, "running")
	k.must(k.store.SetStatus(k.ctx, a.ID, tracking.Finished, ""))
	b := k.run("rlhf", tracking.Parent{Parent: a.ID, Relation: tracking.InitialisedFrom})
	k.refused(k.store.DeleteRun(k.ctx, a.ID), tracking.Conflict, b.ID)
	k.must(k.store.SetStatus(k.ctx, b.ID, tracking.Stopped, ""))
	k.must(k.store.DeleteRun(k.ctx, b.ID))
	k.must(k.store.DeleteRun(k.ctx, a.ID))
	_, err := k.store.GetRun(k.ctx, a.ID)
	k.refused(err, tracking.NotFound)
	hs, err := k.store.ReferencedHashes(k.ctx)
	k.must(err)
	equal(k, "referenced after deletion", len(hs), 0)
}

func transitions(k *kit) {
	for _, from := range tracking.Statuses() {
		for _, to := range tracking.Statuses() {
			r := k.run("icl")
			_, err := k.store.Acquire(k.ctx, r.ID, "h", time.Minute)
			k.must(err)
			if from != tracking.Pending {
				k.must(k.store.SetStatus(k.ctx, r.ID, tracking.Running, ""))
			}
			if from.Ended() {
				k.must(k.store.SetStatus(k.ctx, r.ID, from, "first"))
			}
			before := k.status(r.ID)
			k.clock.advance(time.Second)
			err = k.store.SetStatus(k.ctx, r.ID, to, "second")
			after := k.status(r.ID)
			switch {
			case from == to:
				k.must(err)
				equal(k, "the same status again", after, before)
			case from == tracking.Pending && to != tracking.Finished, from == tracking.Running && to != tracking.Pending:
				k.must(err)
				want := before
				want.Status, want.Reason = to, "second"
				if to == tracking.Running {
					want.Started = k.clock.Now()
				} else {
					want.Ended = k.clock.Now()
				}
				equal(k, string(from+" to "+to), after, want)
			default:
				k.refused(err, tracking.Conflict, string(from), string(to))
				equal(k, "after a refused move", after, before)
			}
		}
	}
	r := k.run("icl")
	k.refused(k.store.SetStatus(k.ctx, r.ID, "done", ""), tracking.Invalid, "done")
}

func endedRunIsSealed(k *kit) {
	r := k.started("lora")
	k.must(k.store.AppendMetrics(k.ctx, r.ID, []tracking.Metric{{Name: "loss"}}))
	k.must(k.store.SetStatus(k.ctx, r.ID, tracking.Finished, ""))
	k.refused(k.store.AppendMetrics(k.ctx, r.ID, []tracking.Metric{{Name: "loss"}}), tracking.Conflict, r.ID, "finished")
	k.refused(k.store.PutPredictions(k.ctx, r.ID, []tracking.Prediction{prediction("1")}), tracking.Conflict, r.ID)
	k.refused(k.store.PutScores(k.ctx, r.ID, []tracking.Score{{Task: "t", Split: "test", Metric: "accuracy"}}), tracking.Conflict, r.ID)
	k.refused(k.store.PutArtifacts(k.ctx, r.ID, []tracking.ArtifactRef{{Direction: tracking.Out, Kind: "k", Path: "p", SHA256: hash('a')}}), tracking.Conflict, r.ID)
	k.refused(k.store.UpdateRun(k.ctx, r.ID, tracking.RunUpdate{Cost: json.RawMessage("1")}), tracking.Conflict, r.ID)
	ms, err := k.store.Metrics(k.ctx, r.ID, tracking.MetricFilter{})
	k.must(err)
	equal(k, "metrics", len(ms), 1)
	name, log := "late name", "late log"
	k.must(k.store.UpdateRun(k.ctx, r.ID, tracking.RunUpdate{Name: &name, LogTail: &log}))
	k.must(k.store.AppendEvents(k.ctx, r.ID, []tracking.Event{{Kind: tracking.Note}}))
	k.refused(k.store.AppendEvents(k.ctx, r.ID, []tracking.Event{{Kind: tracking.Note}, {Kind: "log"}}), tracking.Conflict, r.ID, "finished")
	got := k.status(r.ID)
	equal(k, "late log", got.LogTail, log)
}
