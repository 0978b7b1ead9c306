// Package quant stores frozen weights in 4 bits: NormalFloat (NF4) with double
// quantisation of the scales (Dettmers et al. 2023, QLoRA, section 3), bit for
// bit as bitsandbytes' portable kernels compute it (backends/default/ops.py,
// functional.py). testdata holds what bitsandbytes gave.
//
// A weight is flattened and cut into blocks of 64. A block keeps its largest
// magnitude as a float32 scale (absmax) and each value as the nearest of 16
// codes of value/absmax. Nest then stores the scales, less their mean, in 8
// bits: blocks of 256, a dynamic map of 256 codes.
//
//	w := quant.Quantise(values)  // codes and exact scales
//	w.Nest()                     // 4.127 bits a parameter in all
//	w.Dequantise()
//
// Save writes a model's folder so, in bitsandbytes' stored form, which model.Load
// reads (checkpoint.NF4).
//
// Freeze does this to the linear layers of a model. The kernels take a float32
// scale for each block: they get the dequantised one, so that what a model
// computes is what it would compute from the nested form.
package quant
