package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/tunelab/tunelab/tracking"
	"github.com/tunelab/tunelab/tracking/sqlite"
	"github.com/tunelab/tunelab/tracking/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, clock func() time.Time) tracking.Store {
		return open(t, filepath.Join(t.TempDir(), "odd name ?#%41.db"), sqlite.Options{Clock: clock})
	})
}

func open(t *testing.T, path string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
