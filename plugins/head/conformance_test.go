package main

import (
	"os"
	"testing"

	"github.com/tunelab/tunelab/framework/plugin/plugintest"
	"github.com/tunelab/tunelab/framework/tune"
)

func TestConformance(t *testing.T) {
	if os.Getenv("TUNELAB_LONG") == "" {
		t.Skip("a quarter of a minute: make test-all")
	}
	plugintest.RunAdapter(t, func() tune.Adapter { return head{} })
}
