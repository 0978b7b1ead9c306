//go:build unix && !linux

package host

import "syscall"

func processGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func maxRSS(ru *syscall.Rusage) int64 { return int64(ru.Maxrss) } // bytes on macOS

// usage of a live process is not read here; its total is known at its end.
func usage(int) (rss int64, cpu float64) { return 0, 0 }
