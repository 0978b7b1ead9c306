// Package cpu is the fast engine for processors: C kernels called through cgo,
// compiled for portable C, AVX2+FMA and AVX-512 in one binary and chosen at run
// time. Importing the package registers the engine under the name "cpu".
//
// # Same bits everywhere
//
// f32 results do not depend on the number of threads or on the instruction
// set. All kernels are written once (gemm.h, gemv.h, nf4.h, elementwise.h, rows.h,
// loss.h, rope.h, attention.h) over a type of sixteen lanes (vec.h) or, in products of few
// rows, of the lanes there are (transpose.h); kernels_*.c compile them for each instruction set. Sums run in fixed chains: over K in blocks of 384
// (gemm.h, and the same by another walk in gemv.h), over a row in sixteen lanes and a tree, over rows in chunks of 64.
// exp, ln, tanh and erf are polynomials with explicit FMA (vecmath.h), the
// compiler may not contract products and sums by itself (-std=c11), and there is
// no fast-math. Threads share rows, columns or heads, never one sum.
//
// Products in bf16 (gemm_bf16.h) have the order of additions of AMX's tiles. A
// machine that has the tile unit uses it, after it has given the bits of its
// emulation on a product (amx.go); elsewhere the same bits come from f32 FMAs, at
// about the speed of f32.
//
// # Memory
//
// Buffers are C memory in size classes; freed ones are used again, so that a
// training step in its steady state asks the system for nothing.
//
// The environment variable TUNELAB_CPU (portable, avx2, avx512 or amx) limits the
// instruction set.
package cpu
