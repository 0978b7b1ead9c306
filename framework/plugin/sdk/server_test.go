package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/spec"
)

// method is a Method made of functions.
type method struct {
	run     func(context.Context, *Input, *Output) error
	predict func(items []spec.Item, emit func(spec.Prediction) error) error
	closed  bool
}

func (m *method) Describe() spec.Method { return spec.Method{Name: "m", Version: "1.2.3"} }
func (m *method) Schema() spec.Schema {
	return spec.Schema{Params: []spec.Param{{Name: "rank", Type: "int", Default: 8, Min: spec.At(1)}}}
}
func (m *method) Estimate(context.Context, *Input) (spec.Estimate, error) {
	panic("no estimate today")
}
func (m *method) Run(ctx context.Context, in *Input, out *Output) error { return m.run(ctx, in, out) }
func (m *method) Predictor(context.Context, *Input) (Predictor, error)  { return m, nil }
func (m *method) Predict(_ context.Context, _ string, items []spec.Item, emit func(spec.Prediction) error) error {
	return m.predict(items, emit)
}
func (m *method) Close() error { m.closed = true; return nil }

// stream collects what a server sends.
type stream[T any] struct {
	grpc.ServerStream
	ctx context.Context
	got []*T
}

func (s *stream[T]) Context() context.Context { return s.ctx }
func (s *stream[T]) Send(v *T) error          { s.got = append(s.got, v); return nil }

func given(t *testing.T, params string) *pb.RunInput {
	t.Helper()
	return &pb.RunInput{RunId: "r", SpecJson: []byte(`{"params":` + params + `}`), WorkDir: t.TempDir()}
}

func done(t *testing.T, m Method, in *pb.RunInput) (*pb.Done, []*pb.Event) {
	t.Helper()
	s := &stream[pb.Event]{ctx: t.Context()}
	if err := (&server{m: m}).Run(&pb.RunRequest{Input: in}, s); err != nil {
		t.Fatal(err)
	}
	last := s.got[len(s.got)-1].GetDone()
	if last == nil {
		t.Fatalf("the last event is %v", s.got[len(s.got)-1])
	}
	return last, s.got[:len(s.got)-1]
}

func TestRunEndsInEachState(t *testing.T) {
	m := &method{}
	for _, c := range []struct {
		name, params, state, reason, path string
		run                               func(context.Context, *Input, *Output) error
	}{
		{"finished", `{"rank":4}`, "finished", "", "", func(_ context.Context, in *Input, out *Output) error {
			if in.Params.Int("rank") != 4 {
				return errors.New("the parameter is lost")
			}
			out.Cost().TrainTokens = 5
			return os.WriteFile(filepath.Join(out.ArtifactDir(), "a"), nil, 0o644)
		}},
		{"stopped", `{}`, "stopped", "stopped as asked", "", func(context.Context, *Input, *Output) error { return ErrStopped }},
		{"failed", `{}`, "failed", "rank: too large; take 4", "params.rank", func(context.Context, *Input, *Output) error {
			return Fail("params.rank", "too large", "take 4")
		}},
		{"unknown parameter", `{"rnak":4}`, "failed", "unknown parameter", "params.rnak", nil},
		{"out of range", `{"rank":0}`, "failed", "out of range", "params.rank", nil},
		{"panic", `{}`, "failed", "server_test.go", "", func(context.Context, *Input, *Output) error { panic("lost") }},
	} {
		m.run = c.run
		d, events := done(t, m, given(t, c.params))
		if d.GetState() != c.state || !strings.Contains(d.GetReason(), c.reason) {
			t.Errorf("%s: %v", c.name, d)
		}
		if c.path != "" && (len(d.GetDiagnostics()) != 1 || d.GetDiagnostics()[0].GetPath() != c.path) {
			t.Errorf("%s: diagnostics %v", c.name, d.GetDiagnostics())
		}
		var cost spec.Cost
		if err := json.Unmarshal(d.GetCostJson(), &cost); err != nil {
			t.Errorf("%s: cost: %v", c.name, err)
		}
		if c.name == "finished" && (cost.TrainTokens != 5 || len(events) != 1 || events[0].GetArtifact().GetFile().GetPath() != "artifacts/a") {
			t.Errorf("finished: cost %+v, events %v", cost, events)
		}
	}
}

func TestStopReachesTheRunEvenBeforeItBegins(t *testing.T) {
	m := &method{run: func(ctx context.Context, _ *Input, out *Output) error {
		<-out.Stopping()
		return ErrStopped
	}}
	s := &server{m: m}
	for range 2 { // asked twice is asked once
		if _, err := s.Stop(t.Context(), &pb.StopRequest{RunId: "r"}); err != nil {
			t.Fatal(err)
		}
	}
	events := &stream[pb.Event]{ctx: t.Context()}
	if err := s.Run(&pb.RunRequest{Input: given(t, "{}")}, events); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stop(t.Context(), &pb.StopRequest{RunId: "r"}); err != nil {
		t.Fatal(err)
	}
	if d := events.got[len(events.got)-1].GetDone(); d.GetState() != "stopped" {
		t.Errorf("got %v", d)
	}
}

func TestPanicInACallIsADiagnostic(t *testing.T) {
	r, err := (&server{m: &method{}}).Estimate(t.Context(), &pb.EstimateRequest{Input: given(t, "{}")})
	if err != nil || len(r.GetDiagnostics()) != 1 || !strings.Contains(r.GetDiagnostics()[0].GetSummary(), "no estimate today") {
		t.Errorf("%v, %v", r, err)
	}
}

func TestPredictionsComeInOrderAndChunks(t *testing.T) {
	dir := t.TempDir()
	var lines bytes.Buffer
	for _, id := range []string{"a", "b", "c"} {
		lines.WriteString(`{"id":"` + id + `"}` + "\n")
	}
	items := filepath.Join(dir, "items.jsonl")
	if err := os.WriteFile(items, lines.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	m := &method{predict: func(items []spec.Item, emit func(spec.Prediction) error) error {
		for _, it := range items {
			if err := emit(spec.Prediction{ID: it.ID, Text: strings.Repeat(it.ID, 600_000)}); err != nil {
				return err
			}
		}
		return nil
	}}
	out := &stream[pb.PredictResponse]{ctx: t.Context()}
	if err := (&server{m: m}).Predict(&pb.PredictRequest{Input: given(t, "{}"), Items: &pb.File{Path: items}}, out); err != nil {
		t.Fatal(err)
	}
	var ids string
	for _, r := range out.got {
		if len(r.GetPredictionsJsonl()) > 1<<20 {
			t.Errorf("a chunk of %d bytes", len(r.GetPredictionsJsonl()))
		}
		for line := range bytes.Lines(r.GetPredictionsJsonl()) {
			var p spec.Prediction
			if err := json.Unmarshal(line, &p); err != nil {
				t.Fatal(err)
			}
			ids += p.ID
		}
	}
	if last := out.got[len(out.got)-1]; ids != "abc" || last.GetDone() != 3 || last.GetTotal() != 3 || !m.closed {
		t.Errorf("ids %q, last %d of %d, closed %v", ids, last.GetDone(), last.GetTotal(), m.closed)
	}

	m.predict = func(_ []spec.Item, emit func(spec.Prediction) error) error {
		nan := []float64{0}
		nan[0] /= nan[0]
		return emit(spec.Prediction{ID: "a", Scores: nan})
	}
	err := (&server{m: m}).Predict(&pb.PredictRequest{Input: given(t, "{}"), Items: &pb.File{Path: items}}, out)
	if err == nil || !strings.Contains(err.Error(), "item a") || !strings.Contains(err.Error(), "NaN") {
		t.Errorf("a score that is no number: %v", err)
	}
}

func TestDescriptionNamesItsSchema(t *testing.T) {
	var out bytes.Buffer
	if err := printDescription(&out, &method{}); err != nil {
		t.Fatal(err)
	}
	var d struct {
		spec.Method
		Schema spec.Schema `json:"schema"`
	}
	if err := json.Unmarshal(out.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	hash, err := spec.Hash(d.Schema)
	if err != nil || hash != d.SchemaSHA256 || d.Name != "m" || d.SDK != Version || len(d.Protocols) != 1 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestBadLineOfExamplesIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "train.jsonl")
	if err := os.WriteFile(path, []byte("{\"id\":\"a\"}\n{\"id\":\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadExamples(path); err == nil || !strings.Contains(err.Error(), "train.jsonl:2") {
		t.Errorf("got %v", err)
	}
	if ex, err := ReadExamples(""); ex != nil || err != nil {
		t.Errorf("no file: %v %v", ex, err)
	}
}
