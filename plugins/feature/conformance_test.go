package main

import (
	"os"
	"testing"

	"github.com/tunelab/tunelab/framework/plugin/plugintest"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
)

func TestConformance(t *testing.T) {
	if os.Getenv("TUNELAB_LONG") == "" {
		t.Skip("a quarter of a minute: make test-all")
	}
	plugintest.Run(t, func() sdk.Method { return feature{} })
}
