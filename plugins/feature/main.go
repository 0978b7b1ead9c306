// Command tunelab-plugin-feature uses the frozen model as a feature extractor
// under a small classifier.
package main

import "github.com/tunelab/tunelab/framework/plugin/sdk"

func main() { sdk.Serve(feature{}) }
