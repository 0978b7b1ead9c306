// Command tunelab-plugin-lora is low-rank adaptation (LoRA).
package main

import "github.com/tunelab/tunelab/framework/tune"

func main() { tune.Serve(lora{}) }
