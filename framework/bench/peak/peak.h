// Loops that a processor runs as fast as it can: see peak.go.
#ifndef PEAK_H
#define PEAK_H
#include <stddef.h>
#include <stdint.h>

// Runs a loop of fused multiply-adds and returns its floating-point
// operations; isa is 512 (AVX-512), 2 (AVX2 and FMA), else portable C.
int64_t peak_fma(int isa, int64_t rounds);

// Reads n bytes of p, a multiple of 1024, rounds times; returns a value of
// them all, so that no read is left out.
uint64_t peak_read(int isa, const void *p, size_t n, int64_t rounds);

// Seconds of processor time that the calling thread has used.
double peak_clock(void);
#endif
