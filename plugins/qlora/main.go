// Command tunelab-plugin-qlora is LoRA on a base model quantised to 4 bits (QLoRA).
package main

import "github.com/tunelab/tunelab/framework/tune"

func main() { tune.Serve(qlora{}) }
