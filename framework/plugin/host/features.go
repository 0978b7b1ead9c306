package host

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/plugin/wire"
	"github.com/tunelab/tunelab/framework/spec"
)

// FeatureQuery is what a plugin wants vectors of.
type FeatureQuery struct {
	Texts     []string
	Pooling   string // "last", "mean", "both" or, of an encoder, "cls"
	Layer     int    // -1: the last
	MaxLength int    // tokens; 0: the model's context
}

// FeatureRow is the vector of one text, and what it cost.
type FeatureRow struct {
	X      []float64 // float32 values
	Tokens int       // that the model saw
	FLOPs  float64
}

// Features computes vectors with the frozen model of in, in the order of the
// texts.
type Features func(ctx context.Context, in Input, q FeatureQuery) ([]FeatureRow, error)

// services are what a plugin may ask of its host, for as long as it runs.
type services struct {
	pb.UnimplementedHostServer
	c      *Client
	server *grpc.Server
	path   string
}

// maxTexts bounds the rows of one call, which the host holds in its memory.
const maxTexts = 4096

// oneAtATime holds the one place there is: calls hold a model each, in the
// memory of a host that may have several plugins.
var oneAtATime = make(chan struct{}, 1)

// serve opens the service's socket, beside the plugin's own.
func (c *Client) serve() error {
	if c.opts.Features == nil {
		return nil
	}
	s := &services{c: c, path: filepath.Join(c.socket, "host"),
		server: grpc.NewServer(grpc.MaxRecvMsgSize(wire.MaxMessage), grpc.MaxSendMsgSize(wire.MaxMessage), grpc.WaitForHandlers(true))}
	l, err := net.Listen("unix", s.path)
	if err != nil {
		return fmt.Errorf("serve the plugin: %w", err)
	}
	pb.RegisterHostServer(s.server, s)
	c.services = s
	go func() { _ = s.server.Serve(l) }() // until Close stops it
	return nil
}

// wire is in as the plugin gets it; from then on the plugin may ask about it.
func (c *Client) wire(in Input) (*pb.RunInput, error) {
	out, err := in.pb()
	if err == nil && c.services != nil {
		c.mu.Lock()
		c.inputs[in.RunID] = in
		c.mu.Unlock()
		out.HostAddress = "unix:" + c.services.path
	}
	return out, err
}

// Features answers the plugin. What it computes runs in the host, outside the
// plugin's limits, so that calls are bounded and take turns; the host counts what
// they cost (Client.Served). A panic ends the call alone.
func (s *services) Features(r *pb.FeaturesRequest, stream grpc.ServerStreamingServer[pb.FeaturesResponse]) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = status.Errorf(codes.Internal, "features: the host panicked: %v\n%s", p, debug.Stack())
		}
	}()
	s.c.mu.Lock()
	in, ok := s.c.inputs[r.GetRunId()]
	s.c.mu.Unlock()
	if !ok {
		return status.Errorf(codes.NotFound, "features: this plugin was given no run %q: send the run_id of its RunInput", r.GetRunId())
	}
	q := FeatureQuery{Texts: r.GetTexts(), Pooling: r.GetPooling(), Layer: -1, MaxLength: int(r.GetMaxLength())}
	if r.Layer != nil {
		q.Layer = int(r.GetLayer())
	}
	if n := len(q.Texts); n > maxTexts {
		return status.Errorf(codes.InvalidArgument, "features: %d texts in one call; send %d at most", n, maxTexts)
	}
	rows, err := s.compute(stream.Context(), in, q)
	if err != nil {
		return status.Errorf(codes.InvalidArgument, "features: %v", err)
	}
	var part pb.FeaturesResponse
	for i, row := range rows {
		part.Columns = int32(len(row.X))
		for _, v := range row.X {
			part.Values = binary.LittleEndian.AppendUint32(part.Values, math.Float32bits(float32(v)))
		}
		part.Tokens, part.Flops = append(part.Tokens, int64(row.Tokens)), append(part.Flops, row.FLOPs)
		if next := len(part.Values) + 4*len(row.X) + 16*len(part.Tokens); i == len(rows)-1 || next > wire.MaxChunk {
			if err := stream.Send(&part); err != nil {
				return err
			}
			part = pb.FeaturesResponse{}
		}
	}
	return nil
}

// compute waits for its turn.
func (s *services) compute(ctx context.Context, in Input, q FeatureQuery) ([]FeatureRow, error) {
	select {
	case oneAtATime <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-oneAtATime }()
	before := ownCPU()
	rows, err := s.c.opts.Features(ctx, in, q)
	s.count(rows, ownCPU()-before)
	return rows, err
}

// count adds what a call cost.
func (s *services) count(rows []FeatureRow, cpu float64) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.served.CPUSeconds += cpu
	for _, r := range rows {
		s.c.served.TrainTokens += int64(r.Tokens)
		s.c.served.FLOPs += r.FLOPs
	}
}

// Served is what the host computed for the plugin so far: tokens (as
// TrainTokens), FLOPs and CPU seconds.
func (c *Client) Served() spec.Cost {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.served
}

// ownCPU is the CPU time of this process, in seconds. What a call took is the
// difference, in which other work of the process counts too.
func ownCPU() float64 {
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		return 0
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano()).Seconds()
}
