//go:build !linux

package checkpoint

// forget does nothing where the system's advice on mapped files differs.
func forget([]byte) {}
