package main

import (
	"os"
	"testing"

	"github.com/tunelab/tunelab/framework/plugin/conformance"
	"github.com/tunelab/tunelab/framework/plugin/plugintest"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
)

// PPO alone is run again and again; the two stages before it are made once.
func TestConformance(t *testing.T) {
	if os.Getenv("TUNELAB_LONG") == "" {
		t.Skip("a quarter of a minute: make test-all")
	}
	long := map[string]any{"ppo_total_episodes": 100_000}
	plugintest.Run(t, func() sdk.Method { return rlhf{} }, plugintest.Options{Options: conformance.Options{Params: small(), Long: long}})
}
