package main

import (
	"testing"

	"github.com/tunelab/tunelab/framework/plugin/plugintest"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/tune"
)

// Not RunAdapter: its check of gradients cannot hold, since the method keeps the
// norm out of the gradient (section 4.3). TestEqualsPEFT covers the gradient.
func TestConformance(t *testing.T) {
	plugintest.Run(t, func() sdk.Method { return tune.Method(dora{}) })
}
