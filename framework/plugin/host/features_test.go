package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

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

// More texts than one call takes, and more rows than one message, arrive whole
// and in order.
func TestFeatures(t *testing.T) {
	const n, columns = 10_000, 128 // 2 MB of values a call
	at := 0
	got, done, err := features(t, n, func(_ context.Context, in Input, q FeatureQuery) ([]FeatureRow, error) {
		if in.RunID != "r1" || q.Pooling != "mean" || q.Layer != 0 || q.MaxLength != 3 || len(q.Texts) > maxTexts || q.Texts[0] != fmt.Sprint(at) {
			return nil, fmt.Errorf("asked %+v of %d texts for run %s", q.Layer, len(q.Texts), in.RunID)
		}
		rows := make([]FeatureRow, len(q.Texts))
		for i := range rows {
			rows[i] = FeatureRow{X: make([]float64, columns), Tokens: 2}
			rows[i].X[columns-1] = float64(at) + 0.5
			at++
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
		"the host panicked: out of memory": func(context.Context, Input, FeatureQuery) ([]FeatureRow, error) {
			panic("out of memory")
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

// What the host computed is counted, and calls take turns.
func TestFeaturesAreCounted(t *testing.T) {
	ownTemp(t)
	serve := func(_ context.Context, _ Input, q FeatureQuery) ([]FeatureRow, error) {
		for range 1 << 24 { // some CPU time
		}
		return []FeatureRow{{X: []float64{1}, Tokens: 3, FLOPs: 5}}, nil
	}
	c := launch(t, testplugins.Counter, LaunchOptions{Name: testplugins.Counter, Features: serve})
	if _, err := c.Run(t.Context(), input(t, map[string]any{"features": 1}), File{}, ignore); err != nil {
		t.Fatal(err)
	}
	if s := c.Served(); s.TrainTokens != 3 || s.FLOPs != 5 || !(s.CPUSeconds > 0) {
		t.Errorf("served %+v", s)
	}
	oneAtATime <- struct{}{} // as another plugin's call would
	two := launch(t, testplugins.Counter, LaunchOptions{Name: testplugins.Counter, Features: serve})
	ended := make(chan error, 1)
	go func() {
		_, err := two.Run(t.Context(), input(t, map[string]any{"features": 1}), File{}, ignore)
		ended <- err
	}()
	select {
	case err := <-ended:
		t.Errorf("a call did not wait for its turn: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	<-oneAtATime
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
