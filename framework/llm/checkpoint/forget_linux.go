package checkpoint

import (
	"os"
	"syscall"
	"unsafe"
)

// forget lets go of the pages of mapped data that has been read, which would
// count as the process's memory beside the copy; they are read again if they are
// needed. Where the system refuses, they stay.
func forget(data []byte) {
	if len(data) == 0 {
		return
	}
	at := unsafe.Pointer(unsafe.SliceData(data))
	before := int(uintptr(at) % uintptr(os.Getpagesize())) // part of the same mapping, which begins a page
	syscall.Madvise(unsafe.Slice((*byte)(unsafe.Add(at, -before)), before+len(data)), syscall.MADV_DONTNEED)
}
