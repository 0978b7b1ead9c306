// Command tunelab-plugin-cot is chain-of-thought prompting: worked examples
// before the question, and reasoning before the answer.
package main

import "github.com/tunelab/tunelab/framework/plugin/sdk"

func main() { sdk.Serve(cot{}) }
