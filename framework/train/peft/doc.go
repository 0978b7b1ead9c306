// Package peft adds low-rank adapters (LoRA) to a model and reads and writes
// them as Hugging Face PEFT does.
//
// A linear layer y = x W^T + b becomes
//
//	y = x W^T + b + s (drop(x) A^T) B^T
//
// with W and b frozen, A [r,in], B [out,r] and the scale s = alpha/r, or
// alpha/sqrt(r) with rank stabilisation (Hu et al. 2022, LoRA, section 4.1;
// Kalajdzievski 2023, rsLoRA, section 3). B starts at zero, so a new adapter
// changes nothing. The adapter is f32 whatever the base is: a layer may hold
// its weight as NF4 (Linear.Frozen) in place of W.
//
// # Life of an adapter
//
//	l, err := peft.Attach(m, peft.Config{Rank: 8, Alpha: 8}, rng) // m computes as before
//	l.Params()                                                    // what trains
//	l.DropoutKey(key)                                             // before each training forward
//	l.Save(dir)                                                   // adapter_config.json, adapter_model.safetensors
//	l, err = peft.Load(m, dir)                                    // strict, onto a fresh model
//	l.Merge(); l.Unmerge()                                        // into new weights, and back bit for bit
//	l.SaveMerged(dir)                                             // a whole model without an adapter
//	SetBase(dir, "owner/name", commit)                            // completes a saved folder; AddScore likewise
//
// The base is never changed in place: merging puts new weights in the layers
// and keeps the old ones aside.
//
// # What a configuration may ask for
//
// The fields of PEFT's LoraConfig: rank and alpha patterns; targets as names, a
// regular expression or all-linear, less exclude_modules and outside
// layers_to_transform; DoRA (Liu et al. 2024, sections 4.1 and 4.3: a vector
// sets the length of each row of W + s B A, dora.go); modules_to_save and
// biases, which train whole beside the adapter (whole.go): the adapter holds
// their new values, and the model has its own again once it is disabled or
// detached. A module that is saved is a copy of its own even where the model
// ties two, so that a merged model of that kind is untied, as with PEFT.
//
// Any other field must be off. Refused by their names are LoRA on embeddings
// (train them whole), biases of B (lora_bias), new tokens, bare parameters, and
// adapters whose initialisation changed the base (PiSSA and its kin).
//
// # Other methods
//
// An adapter of another kind keeps its result in the same form with WriteFolder,
// ReadConfig and ReadParams, and finds the layers it goes on with Match and
// DefaultTargets: plugins/contrib has seven.
package peft
