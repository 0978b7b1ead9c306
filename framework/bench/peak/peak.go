// Package peak measures what a machine can do at most, for kernels to be held
// against: fused multiply-adds from registers, and reads of memory.
package peak

/*
#cgo CFLAGS: -std=c11 -O3 -Wall -Wno-unknown-pragmas
#include <stdlib.h>
#include <string.h>
#include "peak.h"
*/
import "C"

import (
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// A measurement is the best of tries runs of about span each.
const (
	tries = 20
	span  = 10 * time.Millisecond
)

// set is the number that the C side has for an instruction set.
func set(isa string) C.int {
	switch isa {
	case "avx512":
		return 512
	case "avx2":
		return 2
	}
	return 0
}

// FMA is the rate of f32 fused multiply-adds from registers, in GFLOP/s (an FMA
// is two), on threads at once. isa is an instruction set of package cpu that
// this machine has; in portable C the products and sums are separate.
func FMA(isa string, threads int) float64 {
	s := set(isa)
	return best(threads, func(_ int, rounds int64) int64 { return int64(C.peak_fma(s, C.int64_t(rounds))) })
}

// Read is the rate at which threads at once read memory, in GB/s (10^9 bytes),
// each its own part of bytes, over and over: of a cache, where that holds them.
func Read(isa string, bytes int64, threads int) float64 {
	s := set(isa)
	part := max(bytes/int64(threads), 1024) &^ 1023
	mem := make([]unsafe.Pointer, threads)
	for i := range mem {
		mem[i] = C.malloc(C.size_t(part))
		C.memset(mem[i], C.int(i+1), C.size_t(part)) // pages that were never written are one page of zeros
		defer C.free(mem[i])
	}
	return best(threads, func(thread int, rounds int64) int64 {
		C.peak_read(s, mem[thread], C.size_t(part), C.int64_t(rounds))
		return part * rounds
	})
}

// best is the highest rate, in 10^9 units of work a second, of loop on all
// threads together; loop runs rounds rounds and says how much work that was. The
// rate of each thread is by its own processor time, so that other programs'
// turns do not count.
func best(threads int, loop func(thread int, rounds int64) int64) float64 {
	rounds := int64(1)
	for {
		start := time.Now()
		loop(0, rounds)
		if d := time.Since(start); d > span/8 {
			rounds = max(1, int64(float64(rounds)*float64(span)/float64(d)))
			break
		}
		rounds *= 4
	}
	top := 0.0
	for range tries {
		var wg sync.WaitGroup
		rate := make([]float64, threads)
		for i := range threads {
			wg.Go(func() {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				start := C.peak_clock()
				work := loop(i, rounds)
				rate[i] = float64(work) / float64(C.peak_clock()-start)
			})
		}
		wg.Wait()
		total := 0.0
		for _, r := range rate {
			total += r
		}
		top = max(top, total/1e9)
	}
	return top
}
