package sdk

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// dieWithParent ends this process and every process that it started when the
// host dies, whatever killed it: at the SIGTERM that the host had the kernel send
// then, and, where there is none, by watching the parent's id.
func dieWithParent() {
	parent := os.Getppid()
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	go func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for os.Getppid() == parent {
			select {
			case <-terminated:
				endGroup()
			case <-tick.C:
			}
		}
		endGroup()
	}()
}

// endGroup ends the process group, which the host made for this process.
func endGroup() {
	if syscall.Getpgrp() == os.Getpid() {
		_ = syscall.Kill(0, syscall.SIGKILL)
	}
	os.Exit(3)
}
