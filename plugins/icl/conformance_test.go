package main

import (
	"testing"

	"github.com/tunelab/tunelab/framework/plugin/plugintest"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
)

func TestConformance(t *testing.T) {
	plugintest.Run(t, func() sdk.Method { return icl{} })
}
