// Command tunelab-plugin-sft is supervised instruction tuning on prompts and completions.
package main

import "github.com/tunelab/tunelab/framework/tune"

func main() { tune.Serve(sft{}) }
