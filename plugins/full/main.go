// Command tunelab-plugin-full is full fine-tuning: every parameter of the
// model trains.
package main

import "github.com/tunelab/tunelab/framework/tune"

func main() { tune.Serve(full{}) }
