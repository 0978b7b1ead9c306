package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/plugin/wire"
	"github.com/tunelab/tunelab/framework/spec"
)

// Version of this SDK, reported by every plugin built with it.
const Version = "0.1.0"

// Serve runs a method as a plugin; it returns when the host is done with it.
// `BINARY describe` prints the method and its schema as JSON and exits.
func Serve(m Method) {
	if len(os.Args) > 1 && os.Args[1] == "describe" {
		if err := printDescription(os.Stdout, m); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv(wire.Handshake.MagicCookieKey) != wire.Handshake.MagicCookieValue {
		d := m.Describe()
		fmt.Fprintf(os.Stderr, "This is the tunelab method plugin %q (%s). tunelab starts it; by hand, try: %s describe\n", d.Name, d.Summary, os.Args[0])
		os.Exit(2)
	}
	dieWithParent()
	stdout, err := reserveStdout()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tunelab plugin:", err)
		os.Exit(1)
	}
	stderr := os.Stderr
	os.Stdout = stdout // go-plugin writes its handshake line there, then takes both over
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  wire.Handshake,
		VersionedPlugins: map[int]goplugin.PluginSet{wire.Protocol: {wire.Name: &served{m: m, stderr: stderr}}},
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(o, grpc.MaxRecvMsgSize(wire.MaxMessage), grpc.MaxSendMsgSize(wire.MaxMessage))...)
		},
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: os.Stderr, JSONFormat: true}),
	})
}

// reserveStdout points file descriptor 1 at stderr, so that a stray print of
// C code or a library cannot break the handshake, and gives the real one.
func reserveStdout() (*os.File, error) {
	real, err := syscall.Dup(1)
	if err != nil {
		return nil, fmt.Errorf("keep stdout: %w", err)
	}
	syscall.CloseOnExec(real)
	if err := dup2(2, 1); err != nil {
		return nil, fmt.Errorf("redirect stdout: %w", err)
	}
	return os.NewFile(uintptr(real), "stdout"), nil
}

// described is the method as the host sees it.
func described(m Method) (spec.Method, spec.Schema, error) {
	d, s := m.Describe(), m.Schema()
	hash, err := spec.Hash(s)
	if err != nil {
		return d, s, fmt.Errorf("the schema of %s: %w", d.Name, err)
	}
	if d.ProtocolMinor < 0 || d.ProtocolMinor > wire.Minor {
		return d, s, fmt.Errorf("the method %s says that it needs plugin protocol %d.%d (ProtocolMinor), and this SDK speaks up to %d.%d", d.Name, wire.Protocol, d.ProtocolMinor, wire.Protocol, wire.Minor)
	}
	d.SDK, d.Protocols, d.SchemaSHA256 = Version, []int{wire.Protocol}, hash
	return d, s, nil
}

func printDescription(w io.Writer, m Method) error {
	d, s, err := described(m)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		spec.Method
		Schema spec.Schema `json:"schema"`
	}{d, s})
}

var _ goplugin.GRPCPlugin = (*served)(nil)

// served is the go-plugin side of a method.
type served struct {
	goplugin.NetRPCUnsupportedPlugin
	m      Method
	stderr *os.File
}

func (s *served) GRPCServer(_ *goplugin.GRPCBroker, g *grpc.Server) error {
	pb.RegisterMethodServer(g, &server{m: s.m, stderr: s.stderr})
	return nil
}

// GRPCClient is the host's side (package host); go-plugin takes a type for a
// gRPC plugin only if it has both.
func (s *served) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("a plugin has no client of itself")
}
