// Command tunelab-plugin-icl is in-context learning: k solved examples stand
// before the question, and no weight changes.
package main

import "github.com/tunelab/tunelab/framework/plugin/sdk"

func main() { sdk.Serve(icl{}) }
