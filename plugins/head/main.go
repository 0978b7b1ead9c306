// Command tunelab-plugin-head trains a new output layer on a frozen body.
package main

import "github.com/tunelab/tunelab/framework/tune"

func main() { tune.Serve(head{}) }
