package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/plugin/service"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
	"github.com/tunelab/tunelab/tracking/artifact"
	"github.com/tunelab/tunelab/tracking/sqlite"
)

// Version of this program, part of every run's row.
const Version = "0.1.0"

// Options of Open; the zero value is good.
type Options struct {
	Watch    func(run.Update) // told how runs go; may be nil
	Lock     string           // lock file of plugins; default $TUNELAB_LOCK, or tunelab.lock in the working folder
	Unlocked bool             // the development override: load plugins that the lock file does not hold, and mark their runs
	Warn     func(string)     // told of each plugin that is loaded so; may be nil
	// Seconds predicts the time that training takes on this machine (run.Runner); nil:
	// it is not asked for.
	Seconds  func(context.Context, spec.Estimate, spec.Compute) (float64, error)
	Download func(file string, done, total int64) // told of what is fetched from the Hub; may be nil
}

// Lab is an open state folder: the record of every run, its artifacts, caches.
type Lab struct {
	Store     tracking.Store
	Artifacts *artifact.Store
	Dir       string
	Planned   func(done, total int) // told before each run of a study; may be nil
	models    Models
	runner    *run.Runner
	warn      func(string)
	warned    map[string]bool // paths of plugins
}

// Open opens or makes the state folder dir and marks runs whose host went
// silent as lost.
func Open(dir string, o Options) (*Lab, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the state folder: %w", err)
	}
	store, err := sqlite.Open(context.Background(), filepath.Join(dir, "tunelab.db"), sqlite.Options{})
	if err != nil {
		return nil, err
	}
	blobs, err := artifact.Open(filepath.Join(dir, "artifacts"))
	if err != nil {
		store.Close()
		return nil, err
	}
	l := &Lab{Store: store, Artifacts: blobs, Dir: dir, models: Models{State: dir, Download: o.Download}, warn: o.Warn, warned: map[string]bool{}}
	l.runner = &run.Runner{Store: store, Artifacts: blobs, Dir: dir, Find: host.FindOptions{Lock: o.Lock, Unlocked: o.Unlocked}, Features: service.Features, Seconds: o.Seconds, Watch: o.Watch, Version: Version, Now: time.Now}
	if _, err := l.runner.Reap(context.Background()); err != nil {
		store.Close()
		return nil, err
	}
	return l, nil
}

// Close closes the record; nothing acknowledged is lost without it.
func (l *Lab) Close() error { return l.Store.Close() }

func clone[V any](m map[string]V) map[string]V {
	out := make(map[string]V, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
