package sdk

import (
	"context"
	"path/filepath"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/spec"
)

// Events are what a local run calls back with, in order and from one
// goroutine; a nil function ignores its events.
type Events struct {
	Stop       <-chan struct{} // closing it asks the run to stop, as the host's Stop does; nil: never
	Metric     func(name string, step int64, value float64)
	Log        func(level, message string)
	Sample     func(step int64, itemID, prompt, text string)
	Checkpoint func(step int64, dir string) // dir lies under in.WorkDir
}

// RunLocal runs a method in this process, without a host, as the tests of a
// method do; its result is left under in.WorkDir/artifacts. It returns what
// the method counted itself.
func RunLocal(ctx context.Context, m Method, in *Input, ev Events) (spec.Cost, error) {
	out, err := newOutput(in.WorkDir)
	if err != nil {
		return spec.Cost{}, err
	}
	result, returned := make(chan error, 1), make(chan struct{})
	defer close(returned)
	select {
	case <-ev.Stop: // before the start
		close(out.stop)
	default:
		go func() {
			select {
			case <-ev.Stop:
				close(out.stop)
			case <-returned:
			}
		}()
	}
	go func() {
		result <- guard(func() error { return m.Run(ctx, in, out) })
		out.finish()
	}()
	if err := out.pump(func(e *pb.Event) error { ev.handle(in.WorkDir, e); return nil }, 0); err != nil {
		return spec.Cost{}, err
	}
	return out.cost, <-result
}

func (ev Events) handle(workDir string, e *pb.Event) {
	switch x := e.GetEvent().(type) {
	case *pb.Event_Metric:
		if ev.Metric != nil {
			ev.Metric(x.Metric.GetName(), x.Metric.GetStep(), x.Metric.GetValue())
		}
	case *pb.Event_Log:
		if ev.Log != nil {
			ev.Log(x.Log.GetLevel(), x.Log.GetMessage())
		}
	case *pb.Event_Sample:
		if ev.Sample != nil {
			ev.Sample(x.Sample.GetStep(), x.Sample.GetItemId(), x.Sample.GetPrompt(), x.Sample.GetText())
		}
	case *pb.Event_Checkpoint:
		if ev.Checkpoint != nil {
			ev.Checkpoint(x.Checkpoint.GetStep(), filepath.Join(workDir, x.Checkpoint.GetFile().GetPath()))
		}
	}
}
