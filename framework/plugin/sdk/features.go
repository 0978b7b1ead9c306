package sdk

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/plugin/wire"
)

// Features asks the host for vectors of texts, computed with the run's frozen
// model: for a method that needs no model of its own in its process. The host
// counts what they cost. A method that cannot do without sets ProtocolMinor to 1
// in its description.
type Features struct {
	Pooling   string // "last" token's hidden state [C], "mean" over tokens [C], "both" [2C]; of an encoder also "cls" [C]
	Layer     int    // 0 the embeddings, n the state after the n-th block; -1: the last
	MaxLength int    // tokens at which texts are cut; 0: the model's context
}

// FeatureRow is the vector of one text.
type FeatureRow struct {
	X      []float32
	Tokens int // that the model saw
	FLOPs  float64
}

// ErrNoHost is what Features.Of returns where no host serves features.
var ErrNoHost = errors.New("the host serves no features: it is older than plugin protocol 1.1, or the method runs without a host; update tunelab")

// Of gives the vector of each text, in their order.
func (f Features) Of(ctx context.Context, in *Input, texts []string) ([]FeatureRow, error) {
	if in.HostAddress == "" {
		return nil, ErrNoHost
	}
	conn, err := grpc.NewClient(in.HostAddress, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(wire.MaxMessage), grpc.MaxCallSendMsgSize(wire.MaxMessage)))
	if err != nil {
		return nil, fmt.Errorf("ask the host for features: %w", err)
	}
	defer conn.Close()
	var rows []FeatureRow
	for len(rows) < len(texts) {
		part := fitting(texts[len(rows):])
		got, err := f.ask(ctx, pb.NewHostClient(conn), in.RunID, part)
		if err != nil {
			return nil, err
		}
		if len(got) != len(part) {
			return nil, fmt.Errorf("the host gave features of %d of %d texts", len(got), len(part))
		}
		rows = append(rows, got...)
	}
	return rows, nil
}

// maxTexts of one call, as the host takes them.
const maxTexts = 4096

// fitting is as many of the texts as one call takes, at least one.
func fitting(texts []string) []string {
	size := 0
	for i, t := range texts {
		if size += len(t) + 8; i == maxTexts || size > wire.MaxMessage/2 && i > 0 {
			return texts[:i]
		}
	}
	return texts
}

func (f Features) ask(ctx context.Context, host pb.HostClient, runID string, texts []string) ([]FeatureRow, error) {
	layer := int32(f.Layer)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := host.Features(ctx, &pb.FeaturesRequest{RunId: runID, Texts: texts, Pooling: f.Pooling, Layer: &layer, MaxLength: int32(f.MaxLength)})
	if err != nil {
		return nil, fmt.Errorf("ask the host for features: %w", err)
	}
	var rows []FeatureRow
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return rows, nil
		} else if err != nil {
			return nil, errors.New(status.Convert(err).Message())
		}
		n, c := len(r.GetTokens()), int(r.GetColumns())
		if len(r.GetFlops()) != n || len(r.GetValues()) != 4*n*c {
			return nil, fmt.Errorf("the host's features do not fit together: %d texts, %d columns, %d bytes", n, c, len(r.GetValues()))
		}
		for i, tokens := range r.GetTokens() {
			row := FeatureRow{X: make([]float32, c), Tokens: int(tokens), FLOPs: r.GetFlops()[i]}
			for j := range row.X {
				row.X[j] = math.Float32frombits(binary.LittleEndian.Uint32(r.GetValues()[4*(i*c+j):]))
			}
			rows = append(rows, row)
		}
	}
}
