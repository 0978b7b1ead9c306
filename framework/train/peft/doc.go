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
//
// The base is never changed in place: merging puts new weights in the layers
// and keeps the old ones aside.
//
// Configurations of LoRA that ask for more (DoRA, PiSSA, extra modules) are
// refused by the name of the field that asks for it.
//
// # Other methods
//
// An adapter of another kind keeps its result in the same form with WriteFolder,
// ReadConfig and ReadParams, and finds the layers it goes on with Match and
// DefaultTargets: plugins/contrib has seven.
package peft
