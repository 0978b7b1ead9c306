//go:build !linux

package cpu

// available is not known.
func available() int64 { return -1 }
