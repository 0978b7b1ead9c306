package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/tunelab/tunelab/tracking"
	"github.com/tunelab/tunelab/tracking/sqlite"
)

// The tests that need a process of their own start this binary again with a
// role in the environment.
const (
	roleVar = "TUNELAB_TEST_SQLITE_ROLE"
	fileVar = "TUNELAB_TEST_SQLITE_FILE"
)

func TestMain(m *testing.M) {
	role := map[string]func(context.Context, string) error{"": nil, "append": appendForEver, "share": shareFile}[os.Getenv(roleVar)]
	if role == nil {
		os.Exit(m.Run())
	}
	if err := role(context.Background(), os.Getenv(fileVar)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child(role, file string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVar+"="+role, fileVar+"="+file)
	cmd.Stderr = os.Stderr
	return cmd
}

// appendForEver makes a run and appends metrics to it from three goroutines,
// until it is killed. It prints "run ID", then "SEQ BITS" for each metric after
// the append was acknowledged.
func appendForEver(ctx context.Context, file string) error {
	s, err := sqlite.Open(ctx, file, sqlite.Options{})
	if err != nil {
		return err
	}
	e, err := s.GetOrCreateExperiment(ctx, "crash")
	if err != nil {
		return err
	}
	r, err := s.CreateRun(ctx, tracking.NewRun{Run: tracking.Run{Experiment: e.ID, Method: "m"}})
	if err != nil {
		return err
	}
	fmt.Println("run", r.ID) // os.Stdout has no buffer: what is printed is in the pipe
	var mu sync.Mutex
	failed := make(chan error)
	for w := range 3 {
		go func() {
			for i := 0; ; i++ {
				ms := make([]tracking.Metric, 1+i%3)
				for j := range ms {
					ms[j] = tracking.Metric{Name: fmt.Sprint("w", w), Step: int64(i), Value: awkward(i + j)}
				}
				if err := s.AppendMetrics(ctx, r.ID, ms); err != nil {
					failed <- err
					return
				}
				mu.Lock()
				for _, m := range ms {
					fmt.Println(m.Seq, math.Float64bits(m.Value))
				}
				mu.Unlock()
			}
		}()
	}
	return <-failed
}

// awkward gives ordinary numbers, with the special ones among them.
func awkward(i int) float64 {
	switch i % 5 {
	case 1:
		return math.NaN()
	case 2:
		return math.Inf(-1)
	case 3:
		return math.Copysign(0, -1)
	}
	return math.Sqrt(float64(i))
}

// sharedMetrics is how many metrics each process of shareFile appends.
const sharedMetrics = 20

// shareFile says "ready", waits for its input to end, and opens a file that
// others open at the same moment. It writes a run to it.
func shareFile(ctx context.Context, file string) error {
	fmt.Println("ready")
	if _, err := io.ReadAll(bufio.NewReader(os.Stdin)); err != nil {
		return err
	}
	s, err := sqlite.Open(ctx, file, sqlite.Options{})
	if err != nil {
		return err
	}
	e, err := s.GetOrCreateExperiment(ctx, "shared")
	if err != nil {
		return err
	}
	r, err := s.CreateRun(ctx, tracking.NewRun{Run: tracking.Run{Experiment: e.ID, Method: "m"}})
	if err != nil {
		return err
	}
	for i := range sharedMetrics {
		if err := s.AppendMetrics(ctx, r.ID, []tracking.Metric{{Name: "loss", Step: int64(i)}}); err != nil {
			return err
		}
	}
	return s.Close()
}
