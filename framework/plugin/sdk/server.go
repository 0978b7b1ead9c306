package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/plugin/wire"
	"github.com/tunelab/tunelab/framework/spec"
)

// server translates calls of the wire contract to a Method.
type server struct {
	pb.UnimplementedMethodServer
	m        Method
	stderr   *os.File // nil: what the process prints goes where it did
	takeBack sync.Once

	mu    sync.Mutex
	runs  map[string]*Output
	asked map[string]bool // to stop, before they began
}

// begin registers a run, which a Stop may have overtaken.
func (s *server) begin(id string, out *Output) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runs == nil {
		s.runs = map[string]*Output{}
	}
	s.runs[id] = out
	if s.asked[id] {
		close(out.stop)
	}
}

// guard turns a panic of the method into an error with its stack.
func guard(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the method panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return fn()
}

// keepPrints lets what the method prints go straight to the real stderr. By now
// go-plugin has pointed both streams at a buffer that it sends over the
// connection, where the last words of a crash would be lost.
func (s *server) keepPrints() {
	if s.stderr != nil {
		os.Stdout, os.Stderr = s.stderr, s.stderr
	}
}

func (s *server) Describe(context.Context, *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	s.takeBack.Do(s.keepPrints)
	d, _, err := described(s.m)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(d)
	return &pb.DescribeResponse{MethodJson: raw}, err
}

func (s *server) Schema(context.Context, *pb.SchemaRequest) (*pb.SchemaResponse, error) {
	raw, err := json.Marshal(s.m.Schema())
	return &pb.SchemaResponse{SchemaJson: raw}, err
}

// input reads a call's input; mistakes in the parameters come back as
// diagnostics with their path.
func (s *server) input(in *pb.RunInput) (*Input, error) {
	out := &Input{RunID: in.GetRunId(), ModelDir: in.GetModel().GetPath(), Train: in.GetTrain().GetPath(),
		Validation: in.GetValidation().GetPath(), WorkDir: in.GetWorkDir(), CacheDir: in.GetCacheDir(),
		HostAddress: in.GetHostAddress(), Inputs: map[string]string{}}
	dec := json.NewDecoder(bytes.NewReader(in.GetSpecJson()))
	dec.UseNumber()
	if err := dec.Decode(&out.Spec); err != nil {
		return nil, Fail("spec", "the run's spec is not JSON: "+err.Error(), "host and plugin disagree about the protocol; update both")
	}
	for _, f := range in.GetInputs() {
		out.Inputs[f.GetName()] = f.GetPath()
	}
	params, ds := s.m.Schema().Resolve("params", out.Spec.Params)
	out.Params = params
	return out, ds.Err()
}

func toWire(ds spec.Diagnostics) []*pb.Diagnostic {
	var out []*pb.Diagnostic
	for _, d := range ds {
		out = append(out, &pb.Diagnostic{Severity: d.Severity, Path: d.Path, Summary: d.Summary, Detail: d.Detail})
	}
	return out
}

func (s *server) Validate(_ context.Context, r *pb.ValidateRequest) (*pb.ValidateResponse, error) {
	var ds spec.Diagnostics
	err := guard(func() error {
		in, err := s.input(r.GetInput())
		if err != nil {
			return err
		}
		if v, ok := s.m.(Validator); ok {
			ds = v.Validate(in)
		}
		return nil
	})
	if err != nil {
		ds = append(ds, diagnostics(err)...)
	}
	return &pb.ValidateResponse{Diagnostics: toWire(ds)}, nil
}

func (s *server) Estimate(ctx context.Context, r *pb.EstimateRequest) (*pb.EstimateResponse, error) {
	var est spec.Estimate
	err := guard(func() error {
		in, err := s.input(r.GetInput())
		if err == nil {
			est, err = s.m.Estimate(ctx, in)
		}
		return err
	})
	if err != nil {
		return &pb.EstimateResponse{Diagnostics: toWire(diagnostics(err))}, nil
	}
	raw, err := json.Marshal(est)
	return &pb.EstimateResponse{EstimateJson: raw}, err
}

func (s *server) Run(r *pb.RunRequest, stream grpc.ServerStreamingServer[pb.Event]) error {
	out, err := newOutput(r.GetInput().GetWorkDir())
	if err != nil {
		return status.Error(codes.FailedPrecondition, err.Error())
	}
	s.begin(r.GetInput().GetRunId(), out)
	result := make(chan error, 1)
	go func() {
		result <- guard(func() error {
			in, err := s.input(r.GetInput())
			if err != nil {
				return err
			}
			in.Checkpoint = r.GetCheckpoint().GetPath()
			return s.m.Run(stream.Context(), in, out)
		})
		out.finish()
	}()
	if err := out.pump(stream.Send, sendEvery); err != nil {
		return err
	}
	return s.finish(out, <-result, stream.Send)
}

// finish announces every file of the result, then how the run ended.
func (s *server) finish(out *Output, err error, send func(*pb.Event) error) error {
	done := &pb.Done{State: "finished"}
	switch {
	case err == nil:
		err := filepath.WalkDir(out.ArtifactDir(), func(p string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			rel, err := filepath.Rel(out.workDir, p)
			if err != nil {
				return err
			}
			return send(&pb.Event{Event: &pb.Event_Artifact{Artifact: &pb.Artifact{File: &pb.File{Kind: "artifact", Path: filepath.ToSlash(rel)}}}})
		})
		if err != nil {
			return err
		}
	case errors.Is(err, ErrStopped):
		done.State, done.Reason = "stopped", ErrStopped.Error()
	default:
		done.State = "failed"
		ds := diagnostics(err)
		done.Reason, done.Diagnostics = ds.Error(), toWire(ds)
	}
	cost, err := json.Marshal(out.cost)
	if err != nil {
		return err
	}
	done.CostJson = cost
	return send(&pb.Event{Event: &pb.Event_Done{Done: done}})
}

func (s *server) Stop(_ context.Context, r *pb.StopRequest) (*pb.StopResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.runs[r.GetRunId()]
	if out == nil {
		if s.asked == nil {
			s.asked = map[string]bool{}
		}
		s.asked[r.GetRunId()] = true
		return &pb.StopResponse{Accepted: true}, nil
	}
	select {
	case <-out.stop:
	default:
		close(out.stop)
	}
	return &pb.StopResponse{Accepted: true}, nil
}

func (s *server) Predict(r *pb.PredictRequest, stream grpc.ServerStreamingServer[pb.PredictResponse]) error {
	var chunk bytes.Buffer
	done, total := int64(0), int64(0)
	flush := func() error {
		err := stream.Send(&pb.PredictResponse{PredictionsJsonl: bytes.Clone(chunk.Bytes()), Done: done, Total: total})
		chunk.Reset()
		return err
	}
	err := guard(func() error {
		in, err := s.input(r.GetInput())
		if err != nil {
			return err
		}
		if len(r.GetArtifacts()) == 1 {
			in.Artifacts = r.GetArtifacts()[0].GetPath()
		}
		items, err := ReadItems(r.GetItems().GetPath())
		if err != nil {
			return err
		}
		total = int64(len(items))
		p, err := s.m.Predictor(stream.Context(), in)
		if err != nil {
			return err
		}
		defer p.Close()
		return p.Predict(stream.Context(), r.GetMode(), items, func(pr spec.Prediction) error {
			line, err := json.Marshal(pr)
			if err != nil {
				return fmt.Errorf("item %s: %w", pr.ID, err)
			}
			if chunk.Len() > 0 && chunk.Len()+len(line) > wire.MaxChunk {
				if err := flush(); err != nil {
					return err
				}
			}
			chunk.Write(line)
			chunk.WriteByte('\n')
			if done++; done%32 == 0 {
				return flush()
			}
			return nil
		})
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return status.Error(codes.Aborted, diagnostics(err).Error())
	}
	return nil
}

func (s *server) Health(context.Context, *pb.HealthRequest) (*pb.HealthResponse, error) {
	return &pb.HealthResponse{Serving: true}, nil
}
