package host

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/plugin/wire"
	"github.com/tunelab/tunelab/framework/spec"
)

// File is a reference resolved to a path on this machine.
type File struct {
	Name   string
	Path   string
	SHA256 string
	Size   int64
}

// Input is what a plugin is given for one run.
type Input struct {
	RunID      string
	Spec       spec.Run
	Model      File
	Train      File
	Validation File
	Inputs     []File // artifact folders of parent runs, by name
	WorkDir    string
	CacheDir   string
}

func (f File) pb(kind string) *pb.File {
	if f.Path == "" {
		return nil
	}
	return &pb.File{Kind: kind, Name: f.Name, Path: f.Path, Sha256: f.SHA256, Size: f.Size}
}

func (in Input) pb() (*pb.RunInput, error) {
	raw, err := spec.Canonical(in.Spec)
	if err != nil {
		return nil, err
	}
	out := &pb.RunInput{RunId: in.RunID, SpecJson: raw, Model: in.Model.pb("model"), Train: in.Train.pb("dataset"),
		Validation: in.Validation.pb("dataset"), WorkDir: in.WorkDir, CacheDir: in.CacheDir}
	for _, f := range in.Inputs {
		out.Inputs = append(out.Inputs, f.pb("artifact"))
	}
	return out, nil
}

func fromWire(list []*pb.Diagnostic) spec.Diagnostics {
	var ds spec.Diagnostics
	for _, d := range list {
		ds = append(ds, spec.Diagnostic{Severity: d.GetSeverity(), Path: d.GetPath(), Summary: d.GetSummary(), Detail: d.GetDetail()})
	}
	return ds
}

// ended says how the plugin ended, after its connection broke; nil when it
// still runs and mayLive says that a call can fail so on a live connection.
func (c *Client) ended(mayLive bool) error {
	exited := c.exited()
	c.mu.Lock()
	killed := c.killed
	c.mu.Unlock()
	if killed != nil {
		return killed
	}
	state := ""
	if !exited {
		if mayLive {
			return nil
		}
		// Either a child of a plugin that is gone holds its pipes open, so that
		// it is not reaped, or it closed the connection: of no more use.
		c.end()
		c.exited()
		state = "its connection ended; "
	}
	if err := c.limited(c.state()); err != nil {
		return err
	}
	return &CrashedError{Plugin: c.name(), State: state + stateText(c.state()), Log: c.log.String()}
}

// Validate asks for mistakes beyond what the schema says.
func (c *Client) Validate(ctx context.Context, in Input) (spec.Diagnostics, error) {
	p, err := c.wire(in)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.supervise(ctx)
	r, err := c.rpc.Validate(ctx, &pb.ValidateRequest{Input: p})
	if err != nil {
		return nil, c.callError(ctx, err)
	}
	return fromWire(r.GetDiagnostics()), nil
}

// Estimate asks what the run would need.
func (c *Client) Estimate(ctx context.Context, in Input) (spec.Estimate, error) {
	var est spec.Estimate
	p, err := c.wire(in)
	if err != nil {
		return est, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.supervise(ctx)
	r, err := c.rpc.Estimate(ctx, &pb.EstimateRequest{Input: p})
	if err != nil {
		return est, c.callError(ctx, err)
	}
	if err := fromWire(r.GetDiagnostics()).Err(); err != nil {
		return est, err
	}
	if err := json.Unmarshal(r.GetEstimateJson(), &est); err != nil {
		return est, &ProtocolError{c.Path, fmt.Errorf("its estimate is not JSON: %w", err)}
	}
	return est, nil
}

// Done is how a run ended, as the plugin says.
type Done struct {
	State  string // "finished", "stopped" or "failed"
	Reason string
	Cost   spec.Cost
	Errors spec.Diagnostics
}

// Run runs the method and passes every event but the last to sink, in order.
// Cancelling ctx kills the run at once; ask Stop first for a checkpoint.
func (c *Client) Run(ctx context.Context, in Input, checkpoint File, sink func(*pb.Event) error) (Done, error) {
	p, err := c.wire(in)
	if err != nil {
		return Done{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.rpc.Run(ctx, &pb.RunRequest{Input: p, Checkpoint: checkpoint.pb("checkpoint")})
	if err != nil {
		return Done{}, c.callError(ctx, err)
	}
	alive := c.supervise(ctx)
	for {
		e, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return Done{}, &ProtocolError{c.Path, errors.New("its run ended without saying how")}
		} else if err != nil {
			return Done{}, c.callError(ctx, err)
		}
		alive()
		if d := e.GetDone(); d != nil {
			out := Done{State: d.GetState(), Reason: d.GetReason(), Errors: fromWire(d.GetDiagnostics())}
			if err := json.Unmarshal(d.GetCostJson(), &out.Cost); err != nil {
				return out, &ProtocolError{c.Path, fmt.Errorf("its cost is not JSON: %w", err)}
			}
			if out.State != "finished" && out.State != "stopped" && out.State != "failed" {
				return out, &ProtocolError{c.Path, fmt.Errorf("its run ended in the state %q, which is none", out.State)}
			}
			if out.State == "failed" {
				return out, c.exhausted(out.Reason + " " + fmt.Sprint(out.Errors))
			}
			return out, nil
		}
		if err := sink(e); err != nil {
			return Done{}, err
		}
	}
}

// supervise ends the plugin when it neither sends an event nor answers Health
// for HungAfter. The returned function notes a sign of life.
func (c *Client) supervise(ctx context.Context) (alive func()) {
	signs := make(chan struct{}, 1)
	go func() {
		timer := time.NewTimer(c.opts.HungAfter)
		defer timer.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-signs:
				timer.Reset(c.opts.HungAfter)
			case <-timer.C:
				ask, cancel := context.WithTimeout(ctx, c.opts.HungAfter)
				_, err := c.rpc.Health(ask, &pb.HealthRequest{})
				cancel()
				if status.Code(err) == codes.DeadlineExceeded && ctx.Err() == nil { // another error is an answer, or a crash that the call itself reports
					c.kill(&HungError{Plugin: c.name(), After: c.opts.HungAfter, Log: c.log.String()})
					return
				}
				timer.Reset(c.opts.HungAfter)
			}
		}
	}()
	return func() {
		select {
		case signs <- struct{}{}:
		default:
		}
	}
}

// Stop asks the run to checkpoint and end; past grace the plugin is killed.
func (c *Client) Stop(runID string, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	_, err := c.rpc.Stop(ctx, &pb.StopRequest{RunId: runID, GraceSeconds: grace.Seconds()})
	return c.callError(ctx, err)
}

// Predict asks for answers to the items of a JSONL file, in one mode.
func (c *Client) Predict(ctx context.Context, in Input, artifacts File, mode string, items File, sink func(ps []spec.Prediction, done, total int64) error) error {
	p, err := c.wire(in)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.rpc.Predict(ctx, &pb.PredictRequest{Input: p, Artifacts: []*pb.File{artifacts.pb("artifact")}, Mode: mode, Items: items.pb("dataset")})
	if err != nil {
		return c.callError(ctx, err)
	}
	alive := c.supervise(ctx)
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return c.callError(ctx, err)
		}
		alive()
		var ps []spec.Prediction
		sc := bufio.NewScanner(bytes.NewReader(r.GetPredictionsJsonl()))
		sc.Buffer(nil, wire.MaxMessage)
		for sc.Scan() {
			var pr spec.Prediction
			if err := json.Unmarshal(sc.Bytes(), &pr); err != nil {
				return &ProtocolError{c.Path, fmt.Errorf("a prediction is not JSON: %w", err)}
			}
			ps = append(ps, pr)
		}
		if err := sink(ps, r.GetDone(), r.GetTotal()); err != nil {
			return err
		}
	}
}
