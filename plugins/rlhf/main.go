// Command tunelab-plugin-rlhf is reinforcement learning from human feedback:
// a chain of instruction tuning, a reward model and PPO.
package main

import "github.com/tunelab/tunelab/framework/plugin/sdk"

func main() { sdk.Serve(rlhf{}) }
