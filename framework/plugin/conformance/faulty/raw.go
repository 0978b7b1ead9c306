package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/plugin/wire"
	"github.com/tunelab/tunelab/framework/spec"
)

// raw serves a method without the SDK's server, which would not let it be wrong
// in these ways.
type raw struct {
	pb.UnimplementedMethodServer
	goplugin.NetRPCUnsupportedPlugin
	m       sdk.Method
	name    string
	stop    chan struct{}
	once    sync.Once
	running atomic.Bool
	saved   bool // a checkpoint was sent
}

func serveRaw(name string, m sdk.Method) {
	goplugin.Serve(&goplugin.ServeConfig{HandshakeConfig: wire.Handshake,
		VersionedPlugins: map[int]goplugin.PluginSet{wire.Protocol: {wire.Name: &raw{m: m, name: name, stop: make(chan struct{})}}},
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(o, grpc.MaxRecvMsgSize(wire.MaxMessage), grpc.MaxSendMsgSize(wire.MaxMessage))...)
		}})
}

func (r *raw) GRPCServer(_ *goplugin.GRPCBroker, g *grpc.Server) error {
	pb.RegisterMethodServer(g, r)
	return nil
}

func (r *raw) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("a plugin has no client of itself")
}

func (r *raw) Describe(context.Context, *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	d := r.m.Describe()
	d.SDK, d.Protocols = sdk.Version, []int{wire.Protocol} // what `describe` prints
	var err error
	if d.SchemaSHA256, err = spec.Hash(r.m.Schema()); err != nil {
		return nil, err
	}
	out, err := json.Marshal(d)
	return &pb.DescribeResponse{MethodJson: out}, err
}

func (r *raw) Schema(context.Context, *pb.SchemaRequest) (*pb.SchemaResponse, error) {
	out, err := json.Marshal(r.m.Schema())
	return &pb.SchemaResponse{SchemaJson: out}, err
}

func (r *raw) input(p *pb.RunInput) (*sdk.Input, spec.Diagnostics, error) {
	in := &sdk.Input{RunID: p.GetRunId(), ModelDir: p.GetModel().GetPath(), Train: p.GetTrain().GetPath(), Validation: p.GetValidation().GetPath(),
		WorkDir: p.GetWorkDir(), CacheDir: p.GetCacheDir()}
	dec := json.NewDecoder(bytes.NewReader(p.GetSpecJson()))
	dec.UseNumber()
	if err := dec.Decode(&in.Spec); err != nil {
		return nil, nil, err
	}
	var ds spec.Diagnostics
	in.Params, ds = r.m.Schema().Resolve("params", in.Spec.Params)
	return in, ds, nil
}

func (r *raw) Validate(_ context.Context, q *pb.ValidateRequest) (*pb.ValidateResponse, error) {
	_, ds, err := r.input(q.GetInput())
	out := &pb.ValidateResponse{}
	for _, d := range ds {
		out.Diagnostics = append(out.Diagnostics, &pb.Diagnostic{Severity: d.Severity, Path: d.Path, Summary: d.Summary, Detail: d.Detail})
	}
	return out, err
}

func (r *raw) Estimate(ctx context.Context, q *pb.EstimateRequest) (*pb.EstimateResponse, error) {
	in, _, err := r.input(q.GetInput())
	if err != nil {
		return nil, err
	}
	est, err := r.m.Estimate(ctx, in)
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(est)
	return &pb.EstimateResponse{EstimateJson: out}, err
}

// Run is "mute" about why a run failed.
func (r *raw) Run(q *pb.RunRequest, stream grpc.ServerStreamingServer[pb.Event]) error {
	in, _, err := r.input(q.GetInput())
	if err != nil {
		return err
	}
	in.Checkpoint = q.GetCheckpoint().GetPath()
	r.running.Store(true)
	defer r.running.Store(false)
	var sent error
	send := func(e *pb.Event) { sent = errors.Join(sent, stream.Send(e)) }
	cost, err := sdk.RunLocal(stream.Context(), r.m, in, sdk.Events{
		Stop: r.stop,
		Metric: func(name string, step int64, v float64) {
			send(&pb.Event{Event: &pb.Event_Metric{Metric: &pb.Metric{Name: name, Step: step, Value: v}}})
		},
		Checkpoint: func(step int64, dir string) {
			if r.name == "reuses" || r.name == "leans" {
				var err error
				if dir, err = r.again(in.WorkDir, dir); err != nil {
					sent = errors.Join(sent, err)
					return
				}
			}
			rel, err := filepath.Rel(in.WorkDir, dir)
			sent = errors.Join(sent, err)
			send(&pb.Event{Event: &pb.Event_Checkpoint{Checkpoint: &pb.Checkpoint{Step: step, File: &pb.File{Path: rel}}}})
		},
	})
	if sent != nil {
		return sent
	}
	done := &pb.Done{State: "finished"}
	switch {
	case errors.Is(err, sdk.ErrStopped):
		done.State = "stopped"
	case err != nil:
		done.State, done.Reason = "failed", err.Error()
		if r.name != "mute" {
			done.Diagnostics = []*pb.Diagnostic{{Severity: "error", Summary: err.Error()}}
		}
	}
	if done.CostJson, err = json.Marshal(cost); err != nil {
		return err
	}
	send(&pb.Event{Event: &pb.Event_Done{Done: done}})
	return sent
}

// again puts a checkpoint into the one folder of all. It waits for the host to
// take the one before away, so that what happens does not depend on which of the
// two is quicker; a host that takes its time sees that one overwritten.
func (r *raw) again(workDir, dir string) (string, error) {
	latest := filepath.Join(workDir, "latest")
	for range 30 {
		if _, err := os.Stat(latest); err != nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if r.name == "reuses" || !r.saved {
		if err := os.MkdirAll(latest, 0o755); err != nil {
			return "", err
		}
	}
	r.saved = true
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		raw, readErr := os.ReadFile(f)
		err = errors.Join(err, readErr, os.WriteFile(filepath.Join(latest, filepath.Base(f)), raw, 0o644))
	}
	return latest, err
}

func (r *raw) Stop(context.Context, *pb.StopRequest) (*pb.StopResponse, error) {
	r.once.Do(func() { close(r.stop) })
	return &pb.StopResponse{Accepted: true}, nil
}

// Predict "lumps" all answers together.
func (r *raw) Predict(q *pb.PredictRequest, stream grpc.ServerStreamingServer[pb.PredictResponse]) error {
	in, _, err := r.input(q.GetInput())
	if err != nil {
		return err
	}
	in.Artifacts = q.GetArtifacts()[0].GetPath()
	items, err := sdk.ReadItems(q.GetItems().GetPath())
	if err != nil {
		return err
	}
	p, err := r.m.Predictor(stream.Context(), in)
	if err != nil {
		return status.Error(codes.Aborted, err.Error())
	}
	defer p.Close()
	var out bytes.Buffer
	flush := func() error {
		err := stream.Send(&pb.PredictResponse{PredictionsJsonl: bytes.Clone(out.Bytes())})
		out.Reset()
		return err
	}
	err = p.Predict(stream.Context(), q.GetMode(), items, func(pr spec.Prediction) error {
		if err := json.NewEncoder(&out).Encode(pr); err != nil || r.name == "lumps" {
			return err
		}
		return flush()
	})
	if err != nil {
		return status.Error(codes.Aborted, err.Error())
	}
	return flush()
}

// Health is "deaf" while a run goes on.
func (r *raw) Health(ctx context.Context, _ *pb.HealthRequest) (*pb.HealthResponse, error) {
	if r.name == "deaf" && r.running.Load() {
		<-ctx.Done()
	}
	return &pb.HealthResponse{Serving: true}, nil
}
