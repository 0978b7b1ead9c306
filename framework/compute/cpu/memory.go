package cpu

/*
#include <stdlib.h>
#include "tl.h"
*/
import "C"

import (
	"math/bits"
	"sync"
	"unsafe"

	"github.com/tunelab/tunelab/framework/compute"
)

// memory keeps freed blocks in lists by size class: four classes for each power
// of two from 256 bytes on.
type memory struct {
	mu     sync.Mutex
	closed bool
	free   map[int][]unsafe.Pointer
	live   int64 // bytes handed out
	held   int64 // bytes taken from the system

	available func() int64 // bytes that the machine can still give; -1: it doesn't say
}

// Of what the machine can give, some stays with the rest of it; blocks that are
// too small to matter are not asked about.
const (
	spared   = 64 << 20
	askAbout = 4 << 20
)

// sizeClass gives the class of a block of at least n bytes, and its bytes.
func sizeClass(n int) (class, size int) {
	if n <= 256 {
		return 0, 256
	}
	e := bits.Len(uint(n-1)) - 1 // 2^e < n <= 2^(e+1)
	step := (1 << e) / 4
	k := (n - 1<<e + step - 1) / step // 1 to 4
	class = (e-8)*4 + k
	return class, classSize(class)
}

func classSize(class int) int {
	if class == 0 {
		return 256
	}
	e, k := 8+(class-1)/4, (class-1)%4+1
	return 1<<e + k*(1<<e)/4
}

// get gives a block of at least n bytes, or a *compute.MemoryError. Systems
// promise more memory than there is and kill who uses it, so that a promise alone
// is not enough.
func (m *memory) get(n int) (p unsafe.Pointer, class int, err error) {
	class, size := sizeClass(n)
	m.mu.Lock()
	defer m.mu.Unlock()
	if list := m.free[class]; len(list) > 0 {
		p = list[len(list)-1]
		m.free[class] = list[:len(list)-1]
		m.live += int64(size)
		return p, class, nil
	}
	p, have := m.fromSystem(size)
	if p == nil && m.trim() {
		p, have = m.fromSystem(size)
	}
	if p == nil {
		return nil, 0, &compute.MemoryError{Bytes: int64(n), InUse: m.live, Available: have}
	}
	m.live += int64(size)
	m.held += int64(size)
	return p, class, nil
}

// fromSystem is nil where there is no such block; available then says what there
// is, or -1.
func (m *memory) fromSystem(size int) (p unsafe.Pointer, available int64) {
	if size >= askAbout {
		if available = m.available(); available >= 0 && int64(size) > available-spared {
			return nil, available
		}
	}
	return C.tl_alloc(C.size_t(size)), -1
}

// trim gives the free lists back to the system and says whether there was
// anything in them.
func (m *memory) trim() (some bool) {
	for class, list := range m.free {
		for _, p := range list {
			C.free(p)
			m.held -= int64(classSize(class))
			some = true
		}
		delete(m.free, class)
	}
	return some
}

func (m *memory) put(p unsafe.Pointer, class, n int) {
	_, size := sizeClass(n)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.live -= int64(size)
	if m.closed {
		C.free(p)
		m.held -= int64(size)
		return
	}
	m.free[class] = append(m.free[class], p)
}

// close gives the free lists back to the system, and from now on every block.
func (m *memory) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.trim()
}
