package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/plugin/testplugins"
)

// features runs a plugin that asks for the features of n texts and gives the
// metrics that it reports of them.
func features(t *testing.T, n int, serve Features) (map[string]float64, Done, error) {
	t.Helper()
	ownTemp(t)
	c := launch(t, testplugins.Counter, LaunchOptions{Name: testplugins.Counter, Features: serve})
	got := map[string]float64{}
	done, err := c.Run(t.Context(), input(t, map[string]any{"features": n}), File{}, func(e *pb.Event) error {
		if m := e.GetMetric(); m != nil {
			got[m.GetName()] = m.GetValue()
		}
		return nil
	})
	return got, done, err
}

// More rows than one message takes arrive whole and in order.
func TestFeatures(t *testing.T) {
	const n, columns = 100_000, 8 // 3.2 MB of values
	got, done, err := features(t, n, func(_ context.Context, in Input, q FeatureQuery) ([]FeatureRow, error) {
		if in.RunID != "r1" || q.Pooling != "mean" || q.Layer != 0 || q.MaxLength != 3 || len(q.Texts) != n {
			return nil, fmt.Errorf("asked %+v of %d texts for run %s", q.Layer, len(q.Texts), in.RunID)
		}
		rows := make([]FeatureRow, n)
		for i := range rows {
			rows[i] = FeatureRow{X: make([]float64, columns), Tokens: 2}
			rows[i].X[columns-1] = float64(i) + 0.5
		}
		return rows, nil
	})
	if err != nil || done.State != "finished" {
		t.Fatalf("%+v, %v", done, err)
	}
	if got["features/last"] != n-0.5 || got["features/tokens"] != 2*n {
		t.Errorf("got %v", got)
	}
}

func TestFeaturesRefused(t *testing.T) {
	for want, serve := range map[string]Features{
		"the model has no such layer": func(context.Context, Input, FeatureQuery) ([]FeatureRow, error) {
			return nil, errors.New("the model has no such layer")
		},
		"the host gave features of 1 of 2 texts": func(context.Context, Input, FeatureQuery) ([]FeatureRow, error) {
			return []FeatureRow{{X: []float64{1}}}, nil
		},
		"the host serves no features": nil,
	} {
		_, done, err := features(t, 2, serve)
		if err != nil || done.State != "failed" || !strings.Contains(done.Reason, want) {
			t.Errorf("%s: %+v, %v", want, done, err)
		}
	}
}

// A plugin that is gone stops what the host computes for it.
func TestFeaturesEndWithThePlugin(t *testing.T) {
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	ownTemp(t)
	c := launch(t, testplugins.Counter, LaunchOptions{Name: testplugins.Counter, Features: func(call context.Context, _ Input, _ FeatureQuery) ([]FeatureRow, error) {
		cancel()
		<-call.Done()
		close(ended)
		return nil, call.Err()
	}})
	if _, err := c.Run(ctx, input(t, map[string]any{"features": 1}), File{}, ignore); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	c.Close()
	<-ended
}
