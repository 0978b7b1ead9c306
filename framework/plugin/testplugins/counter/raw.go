package main

import (
	"context"
	"encoding/json"
	"errors"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/plugin/wire"
	"github.com/tunelab/tunelab/framework/spec"
)

// raw is a plugin without the SDK, which would not let it misbehave so.
type raw struct {
	pb.UnimplementedMethodServer
	goplugin.NetRPCUnsupportedPlugin
	name string
}

func serveRaw(name string) {
	version := wire.Protocol
	if name == "newer" {
		version = 99
	}
	goplugin.Serve(&goplugin.ServeConfig{HandshakeConfig: wire.Handshake,
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(o, grpc.MaxRecvMsgSize(wire.MaxMessage))...)
		},
		VersionedPlugins: map[int]goplugin.PluginSet{version: {wire.Name: &raw{name: name}}}})
}

func (r *raw) GRPCServer(_ *goplugin.GRPCBroker, g *grpc.Server) error {
	pb.RegisterMethodServer(g, r)
	return nil
}

func (r *raw) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("a plugin has no client of itself")
}

func (r *raw) Describe(context.Context, *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	m := spec.Method{Name: r.name, Version: "1.0.0", Tasks: []string{spec.Generation}, Modes: []string{spec.ModeGenerate}}
	if r.name == "ahead" {
		m.ProtocolMinor = 99
	}
	if r.name != "schema" {
		var err error
		if m.SchemaSHA256, err = spec.Hash(spec.Schema{}); err != nil {
			return nil, err
		}
	}
	out, err := json.Marshal(m)
	return &pb.DescribeResponse{MethodJson: out}, err
}

func (r *raw) Schema(context.Context, *pb.SchemaRequest) (*pb.SchemaResponse, error) {
	out, err := json.Marshal(spec.Schema{})
	return &pb.SchemaResponse{SchemaJson: out}, err
}

func (r *raw) Validate(context.Context, *pb.ValidateRequest) (*pb.ValidateResponse, error) {
	return &pb.ValidateResponse{}, nil
}

func (r *raw) Estimate(context.Context, *pb.EstimateRequest) (*pb.EstimateResponse, error) {
	return &pb.EstimateResponse{EstimateJson: []byte("{}")}, nil
}

func (r *raw) Run(_ *pb.RunRequest, stream grpc.ServerStreamingServer[pb.Event]) error {
	switch r.name {
	case "oversize":
		return stream.Send(&pb.Event{Event: &pb.Event_Log{Log: &pb.Log{Message: string(make([]byte, 20<<20))}}})
	case "stateless":
		return stream.Send(&pb.Event{Event: &pb.Event_Done{Done: &pb.Done{State: "tired", CostJson: []byte("{}")}}})
	}
	return nil
}
