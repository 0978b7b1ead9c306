package main

import (
	"testing"

	"github.com/tunelab/tunelab/framework/plugin/plugintest"
	"github.com/tunelab/tunelab/framework/tune"
)

func TestConformance(t *testing.T) {
	plugintest.RunAdapter(t, func() tune.Adapter { return vera{} })
}
