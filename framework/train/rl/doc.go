// Package rl is the arithmetic of reinforcement learning from human feedback:
// PPO on token sequences, and the reward model that scores them.
//
// PPO's numbers (per-token rewards, advantages, losses, statistics) are those
// of TRL 1.12.0, trl/experimental/ppo/ppo_trainer.py, its last release with
// PPO (Schulman et al. 2017, arXiv:1707.06347; Ouyang et al. 2022, appendix
// C.4). They are computed in float64 on the host, gradients included: a batch
// holds a few thousand numbers, and the model's own work is on the tape.
//
// One update is: generate responses; [Config.Targets] turns log-probabilities,
// values and scores into advantages and returns; then for each minibatch a
// training forward, [Config.Loss], and autograd.Tape.BackwardWith with the
// gradients that Loss gives. No op of the tape is special to PPO.
//
// Vocabulary: B responses, T tokens of the longest response allowed. Everything
// per token is [B][T]; Last says where each response ends, what lies behind it
// is padding and is never read.
package rl
